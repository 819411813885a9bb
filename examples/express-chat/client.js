// A chat client for the terminal: node client.js ws://… name
// A line goes to everybody; "@ann hello" goes to ann alone. Ctrl-D leaves.

const readline = require('node:readline');
const WebSocket = require('ws');

const [address, name] = process.argv.slice(2);
if (!address || !name) {
  console.error('usage: node client.js ws://address name');
  process.exit(64);
}
const url = new URL(address);
url.searchParams.set('user', name);

const socket = new WebSocket(url, {
  // Not every resolver knows the names below .localhost.
  lookup: url.hostname.endsWith('.localhost')
    ? (_, options, done) =>
        options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4)
    : undefined,
});

socket.on('open', () => console.log(`* connected as ${name}`));
socket.on('message', (data) => {
  const message = JSON.parse(data);
  if (message.from) console.log(`${message.from}${message.to ? ' (to you)' : ''}: ${message.text}`);
  else console.log(`* ${JSON.stringify(message)}`);
});
socket.on('close', (code) => {
  console.log(`* closed with ${code}`);
  process.exit(0);
});
socket.on('error', (error) => {
  console.error(`* ${error.message}`);
  process.exit(1);
});

readline
  .createInterface({ input: process.stdin })
  .on('line', (line) => {
    const [, to, rest] = line.match(/^@(\S+)\s+(.*)$/) ?? [];
    socket.send(JSON.stringify({ action: 'sendmessage', text: rest ?? line, ...(to && { to }) }));
  })
  .on('close', () => socket.close(1000));
