// The same as a server of its own, which is what the function is compared with.
import http from 'node:http'
const server = http.createServer((request, response) => {
  const parts = []
  request.on('data', (part) => parts.push(part)).on('end', () => response.end(Buffer.concat(parts)))
})
server.listen(0, '127.0.0.1', () => console.log(`127.0.0.1:${server.address().port}`))
process.stdin.on('end', () => process.exit(0)).resume()
