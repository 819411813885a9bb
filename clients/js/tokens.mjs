// An issuer of tokens (Express, keys of node:crypto), and clients (`ws`) that bring them. It is told what to do by lines of
// JSON, and answers each with one; the Python side judges.
import crypto from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";

const require = createRequire(join(process.env.GATEWRIGHT_NODE_MODULES, "tokens.js"));
const express = require("express");
const { WebSocket } = require("ws");

/** By `kid`: private key and algorithm; all of them sign. */
const keys = new Map();
/** The kids that are published. */
let published = [];
/** How often the keys were asked for. */
let asked = 0;
let server;

const pairs = {
  RS256: () => crypto.generateKeyPairSync("rsa", { modulusLength: 2048 }),
  ES256: () => crypto.generateKeyPairSync("ec", { namedCurve: "P-256" }),
  EdDSA: () => crypto.generateKeyPairSync("ed25519"),
};
const encode = (what) => Buffer.from(typeof what === "string" ? what : JSON.stringify(what)).toString("base64url");

function sign({ kid, header = {}, claims }) {
  const { privateKey, alg } = keys.get(kid);
  const message = `${encode({ alg, kid, typ: "JWT", ...header })}.${encode(claims)}`;
  const how = alg === "ES256" ? { key: privateKey, dsaEncoding: "ieee-p1363" } : privateKey;
  const signature = crypto.sign(alg === "EdDSA" ? null : "sha256", Buffer.from(message), how);
  return `${message}.${signature.toString("base64url")}`;
}

function jwks() {
  asked += 1;
  const jwk = (kid) => ({ ...crypto.createPublicKey(keys.get(kid).privateKey).export({ format: "jwk" }), kid, use: "sig" });
  return { keys: [{ kty: "oct", k: "c2VjcmV0", kid: "shared" }, ...published.map(jwk)] };
}

const app = express();
// Three issuers: one that says where its keys are, one below a path, and one that has no configuration.
const url = (request) => `http://${request.headers.host}`;
app.get("/.well-known/openid-configuration", (request, response) => response.json({ issuer: url(request), jwks_uri: `${url(request)}/keys` }));
app.get("/scoped/.well-known/openid-configuration", (request, response) =>
  response.json({ issuer: `${url(request)}/scoped`, jwks_uri: `${url(request)}/keys` }),
);
app.get(["/keys", "/plain/.well-known/jwks.json"], (_, response) => response.json(jwks()));

// And three that are none: one that says it is another, one that sends elsewhere, one that says too much.
app.get("/liar/.well-known/openid-configuration", (request, response) => response.json({ issuer: url(request), jwks_uri: `${url(request)}/keys` }));
app.get("/moved/.well-known/jwks.json", (_, response) => response.redirect("/keys"));
app.get("/large/.well-known/jwks.json", (_, response) => response.json({ ...jwks(), more: "x".repeat(200_000) }));

const listen = (port) => new Promise((done) => (server = app.listen(port, "127.0.0.1", () => done(server.address().port))));

function connect({ url: address, protocols = [], headers = {} }) {
  return new Promise((done) => {
    const socket = new WebSocket(address, protocols, { headers });
    socket.on("open", () => {
      socket.send("hello");
    });
    socket.on("message", (text) => {
      done({ opened: true, protocol: socket.protocol, said: text.toString() });
      socket.close();
    });
    socket.on("unexpected-response", (_, response) => {
      done({ opened: false, status: response.statusCode });
      response.destroy();
    });
    socket.on("error", (error) => done({ opened: false, error: error.message }));
  });
}

const commands = {
  key({ kid, alg }) {
    keys.set(kid, { alg, privateKey: pairs[alg]().privateKey });
    return {};
  },
  publish({ kids }) {
    published = kids;
    return {};
  },
  sign: (what) => ({ token: sign(what) }),
  jwks: () => jwks(),
  asked: () => ({ asked }),
  connect,
  async up({ port }) {
    return { port: await listen(port) };
  },
  async down() {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    return {};
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { does, ...rest } = JSON.parse(line);
  console.log(JSON.stringify(await commands[does](rest)));
}
