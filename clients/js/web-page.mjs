// A page in a real browser that opens WebSockets, and the AWS SDK's own signer for those that need a signed address. It is told
// what to do by lines of JSON, and answers each with one; the Python side judges.
//   node web-page.mjs PAGE-ADDRESS CHROMIUM
import { createHash, createHmac } from "node:crypto";
import process from "node:process";
import { createInterface } from "node:readline";

import { require, Tour } from "./browser.mjs";

const { SignatureV4 } = require("@smithy/signature-v4");
const [pageAddress, executablePath] = process.argv.slice(2);

/** What the signer hashes with. */
class Sha256 {
  constructor(secret) {
    this.hash = secret ? createHmac("sha256", secret) : createHash("sha256");
  }
  update(data) {
    this.hash.update(data);
  }
  async digest() {
    return new Uint8Array(this.hash.digest());
  }
}

async function sign({ address, query = {}, key, secret, token, expires = 300, ago = 0 }) {
  const { protocol, hostname, port, pathname, host } = new URL(address);
  const credentials = { accessKeyId: key, secretAccessKey: secret, sessionToken: token };
  const signer = new SignatureV4({ service: "execute-api", region: "us-east-1", credentials, sha256: Sha256 });
  const request = { method: "GET", protocol, hostname, port: Number(port), path: pathname, query, headers: { host } };
  const signed = await signer.presign(request, { expiresIn: expires, signingDate: new Date(Date.now() - ago * 1000) });
  const pairs = Object.entries(signed.query).map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
  return { url: `${protocol.replace("http", "ws")}//${host}${pathname}?${pairs.join("&")}` };
}

// Runs in the page.
function opened({ url, protocols, says }) {
  return new Promise((done) => {
    const socket = new WebSocket(url, protocols);
    let open = false;
    socket.onopen = () => {
      open = true;
      socket.send(says);
    };
    socket.onmessage = ({ data }) => {
      socket.onclose = () => done({ opened: true, protocol: socket.protocol, said: data });
      socket.close();
    };
    socket.onclose = ({ code }) => done({ opened: open, code });
  });
}

const tour = await Tour.start(executablePath);
await tour.page.goto(pageAddress);
const commands = {
  sign,
  open: ({ url, protocols = [] }) => tour.page.evaluate(opened, { url, protocols, says: "hello" }),
  complaints: () => ({ complaints: tour.complaints }),
};
console.log(JSON.stringify({ ready: await tour.page.evaluate(() => location.origin) }));
for await (const line of createInterface({ input: process.stdin })) {
  const { does, ...rest } = JSON.parse(line);
  console.log(JSON.stringify(await commands[does](rest)));
}
await tour.browser.close();
