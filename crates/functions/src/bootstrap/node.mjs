// Runs a handler as AWS's own Node runtime does: asks the Runtime API for invocations, one after the other.
// Documented: "Building a custom runtime" and "Define Lambda function handler in Node.js".
import net from 'node:net'
import path from 'node:path'
import fs from 'node:fs'
import { pathToFileURL } from 'node:url'

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':')
const environment = process.env

// Whoever started this is gone when its end of the standard input is.
process.stdin.on('end', () => process.exit(0)).on('error', () => process.exit(0)).resume()
process.stdin.unref?.()

// One connection, and so much of HTTP as the other end speaks: node:http costs ten times as much a call, a stream of buffers twice.
const onread = { buffer: Buffer.allocUnsafe(64 * 1024), callback: (size, buffer) => heard(buffer.subarray(0, size)) }
const socket = net.connect({ host, port: Number(port), noDelay: true, onread })
const waiting = []
let kept
socket.on('error', () => process.exit(0)).on('close', () => process.exit(0))

function heard(part) {
  let received = kept ? Buffer.concat([kept, part]) : part
  kept = undefined
  while (received.length) {
    const end = received.indexOf('\r\n\r\n')
    const head = end < 0 ? undefined : headOf(received.latin1Slice(0, end))
    const whole = end + 4 + Number(head?.headers['content-length'] ?? 0)
    if (!head || received.length < whole) {
      // What comes next overwrites it.
      kept = Buffer.from(received)
      break
    }
    const body = received.utf8Slice(end + 4, whole)
    received = received.subarray(whole)
    waiting.shift()({ ...head, body })
  }
  return true
}

function headOf(text) {
  const headers = {}
  let at = text.indexOf('\r\n')
  const status = Number(text.slice(9, 12))
  while (at >= 0) {
    const colon = text.indexOf(':', at + 2)
    const end = text.indexOf('\r\n', at + 2)
    headers[text.slice(at + 2, colon).toLowerCase()] = text.slice(colon + 1, end < 0 ? undefined : end).trim()
    at = end
  }
  return { status, headers }
}

function written(method, where, body, headers = '') {
  const length = body === undefined ? '' : `Content-Length: ${Buffer.byteLength(body)}\r\n`
  return `${method} /2018-06-01/runtime/${where} HTTP/1.1\r\nHost: ${host}:${port}\r\n${headers}${length}\r\n${body ?? ''}`
}

function answer() {
  return new Promise((resolve) => waiting.push(resolve))
}

function call(...request) {
  socket.write(written(...request))
  return answer()
}

function failure(error) {
  if (error instanceof Error) {
    return JSON.stringify({ errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') })
  }
  return JSON.stringify({ errorType: typeof error, errorMessage: String(error), trace: [] })
}

async function load() {
  const root = environment.LAMBDA_TASK_ROOT ?? process.cwd()
  const whole = environment._HANDLER ?? ''
  const folder = path.dirname(whole)
  const [file, ...names] = path.basename(whole).split('.')
  if (!file || names.length === 0) throw named('Runtime.MalformedHandlerName', `Bad handler ${whole}`)
  const base = path.resolve(root, folder, file)
  const found = ['.mjs', '.js', '.cjs', ''].map((ending) => base + ending).find((one) => fs.existsSync(one) && fs.statSync(one).isFile())
  if (!found) throw named('Runtime.ImportModuleError', `Error: Cannot find module '${path.join(folder, file)}'`)
  const loaded = await import(pathToFileURL(found))
  for (const from of [loaded, loaded.default]) {
    const handler = names.reduce((at, name) => at?.[name], from)
    if (typeof handler === 'function') return handler
  }
  throw named('Runtime.HandlerNotFound', `${whole} is undefined or not exported`)
}

function named(name, message) {
  return Object.assign(new Error(message), { name })
}

function context(headers, settle) {
  const deadline = Number(headers['lambda-runtime-deadline-ms'])
  const parsed = (name) => (headers[name] ? JSON.parse(headers[name]) : undefined)
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: environment.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: environment.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: environment.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: environment.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: environment.AWS_LAMBDA_LOG_STREAM_NAME,
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    clientContext: parsed('lambda-runtime-client-context'),
    identity: parsed('lambda-runtime-cognito-identity'),
    getRemainingTimeInMillis: () => deadline - Date.now(),
    done: (error, result) => settle(error, result),
    fail: (error) => settle(error ?? 'handled'),
    succeed: (result) => settle(null, result),
  }
}

function run(handler, event, headers) {
  return new Promise((resolve, reject) => {
    const settle = (error, result) => (error ? reject(error) : resolve(result))
    const returned = handler(event, context(headers, settle), settle)
    if (returned && typeof returned.then === 'function') returned.then(resolve, reject)
    else if (returned !== undefined && handler.length < 3) resolve(returned)
  })
}

let current
for (const name of ['uncaughtException', 'unhandledRejection']) {
  process.on(name, async (error) => {
    console.error(error)
    const named = JSON.parse(failure(error))
    if (name === 'unhandledRejection') Object.assign(named, { errorType: 'Runtime.UnhandledPromiseRejection', errorMessage: `${error?.name ?? 'Error'}: ${error?.message ?? error}` })
    if (current) await call('POST', `invocation/${current}/error`, JSON.stringify(named))
    process.exit(128)
  })
}

let handler
try {
  handler = await load()
} catch (error) {
  console.error(error)
  await call('POST', 'init/error', failure(error))
  process.exit(1)
}
const asks = written('GET', 'invocation/next')
let next = await call('GET', 'invocation/next')
for (;;) {
  if (next.status !== 200) process.exit(0)
  current = next.headers['lambda-runtime-aws-request-id']
  if (next.headers['lambda-runtime-trace-id']) environment._X_AMZN_TRACE_ID = next.headers['lambda-runtime-trace-id']
  let where = 'response'
  let body
  try {
    const result = await run(handler, JSON.parse(next.body), next.headers)
    body = JSON.stringify(result === undefined ? null : result) ?? 'null'
  } catch (error) {
    console.error(error)
    where = 'error'
    body = failure(error)
  }
  const id = current
  current = undefined
  // Answer and next question in one write.
  const [, asked] = [answer(), answer()]
  socket.write(written('POST', `invocation/${id}/${where}`, body) + asks)
  next = await asked
}
