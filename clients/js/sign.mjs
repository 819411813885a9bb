// Signs requests that come as JSON lines with the JS SDK's own signer, and gives them back signed.
import { createHash, createHmac } from 'node:crypto';
import { createInterface } from 'node:readline';
import { SignatureV4 } from '@smithy/signature-v4';

const [secretAccessKey, sessionToken] = process.argv.slice(2);

// What the SDK's own hashes do, of Node's.
class Sha256 {
  constructor(secret) {
    this.hash = secret ? createHmac('sha256', secret) : createHash('sha256');
  }
  update(data) {
    this.hash.update(data);
  }
  async digest() {
    return new Uint8Array(this.hash.digest());
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { method, path, query, headers, body, service, inQuery, token } = JSON.parse(line);
  const signer = new SignatureV4({
    service,
    region: 'eu-central-1',
    sha256: Sha256,
    credentials: token ? { accessKeyId: 'GUEST', secretAccessKey, sessionToken } : { accessKeyId: 'ADMIN', secretAccessKey },
    uriEscapePath: true,
    applyChecksum: true,
  });
  const [hostname, port] = headers.host.split(':');
  const request = { method, protocol: 'http:', hostname, port: Number(port), path, query, headers, body };
  const signed = inQuery ? await signer.presign(request, { expiresIn: 600 }) : await signer.sign(request);
  console.log(JSON.stringify({ headers: signed.headers, query: signed.query }));
}
