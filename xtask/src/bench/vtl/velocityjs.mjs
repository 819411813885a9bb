// Renders the bench's templates by velocityjs and prints one line of JSON a file.
//
// Usage: velocityjs.mjs FOLDER CASES SECONDS, where FOLDER holds the node_modules. API Gateway's objects stand here as
// far as those templates need them, and are made anew for each rendering, as ours are.

import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [folder, cases, seconds] = process.argv.slice(2);
const { Compile, parse } = createRequire(join(folder, 'x.js'))('velocityjs');

const hex = (char) => '\\u' + char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
const SHORT = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\b': '\\b', '\f': '\\f' };
const escape = (char) => SHORT[char] ?? (char >= ' ' && char <= '~' ? '\\' + char : hex(char));
const util = {
  escapeJavaScript: (text) => String(text).replace(/['"\\/]|[^ -~]/g, escape),
  urlEncode: (text) => encodeURIComponent(text),
};

// `$.a.b` and `$`, which is all that these templates ask for.
const step = (value, path) => path.split('.').slice(1).reduce((at, name) => at?.[name], value);

function context(given) {
  const { body = '{}', params = {} } = given.input ?? {};
  let read;
  const root = () => (read ??= JSON.parse(body));
  const { path = {}, querystring = {}, header = {} } = params;
  return {
    input: {
      body,
      path: (at) => step(root(), at),
      json: (at) => JSON.stringify(step(root(), at)),
      params: () => ({ path, querystring, header }),
    },
    util,
    context: { ...given.context },
    stageVariables: { ...given.stageVariables },
  };
}

function rate(work) {
  let figure = 0;
  for (let pass = 0; pass < 2; pass++) {
    // The first pass warms up.
    const start = performance.now();
    let count = 0;
    let now;
    do {
      for (let i = 0; i < 16; i++) work();
      count += 16;
      now = performance.now();
    } while (now - start < seconds * 1000);
    figure = count / ((now - start) / 1000);
  }
  return figure;
}

const bare = (text) => text.replace(/\s/g, '');

for (const name of readdirSync(cases).filter((name) => name.endsWith('.json')).sort()) {
  const file = name.replace(/\.json$/, '');
  try {
    const given = JSON.parse(readFileSync(join(cases, name), 'utf8'));
    const tree = parse(given.template);
    const render = () => new Compile(tree).render(context(given));
    const both = () => new Compile(parse(given.template)).render(context(given));
    const got = render();
    const output = got === given.expected ? 'same' : bare(got) === bare(given.expected) ? 'spaces' : 'other';
    console.log(JSON.stringify({ file, both: rate(both), render: rate(render), output }));
  } catch (error) {
    console.log(JSON.stringify({ file, error: String(error.message).split('\n')[0] }));
  }
}
