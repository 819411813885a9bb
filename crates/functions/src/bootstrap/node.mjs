// Runs a handler as AWS's own Node runtime does: asks the Runtime API for invocations, one after the other.
// Documented: "Building a custom runtime" and "Define Lambda function handler in Node.js".
import http from 'node:http'
import path from 'node:path'
import fs from 'node:fs'
import { pathToFileURL } from 'node:url'

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':')
const agent = new http.Agent({ keepAlive: true, maxSockets: 1, noDelay: true })
const environment = process.env

// Whoever started this is gone when its end of the standard input is.
process.stdin.on('end', () => process.exit(0)).on('error', () => process.exit(0)).resume()
process.stdin.unref?.()

function call(method, where, body, headers = {}) {
  return new Promise((resolve, reject) => {
    if (body !== undefined) headers['Content-Length'] = Buffer.byteLength(body)
    const request = http.request({ host, port, method, path: '/2018-06-01/runtime/' + where, agent, headers }, (response) => {
      const parts = []
      response.on('data', (part) => parts.push(part)).on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts).toString() }))
    })
    request.on('error', reject)
    request.end(body)
  })
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
    if (current) await call('POST', `invocation/${current}/error`, JSON.stringify(named), { 'Content-Type': 'application/json' }).catch(() => {})
    process.exit(128)
  })
}

let handler
try {
  handler = await load()
} catch (error) {
  console.error(error)
  await call('POST', 'init/error', failure(error), { 'Lambda-Runtime-Function-Error-Type': error?.name ?? 'Error' })
  process.exit(1)
}
for (;;) {
  const next = await call('GET', 'invocation/next').catch(() => process.exit(0))
  if (next.status !== 200) process.exit(0)
  current = next.headers['lambda-runtime-aws-request-id']
  if (next.headers['lambda-runtime-trace-id']) environment._X_AMZN_TRACE_ID = next.headers['lambda-runtime-trace-id']
  let where = 'response'
  let body
  try {
    const result = await run(handler, JSON.parse(next.body), next.headers)
    body = JSON.stringify(result === undefined ? null : result)
    if (body === undefined) body = 'null'
  } catch (error) {
    console.error(error)
    where = 'error'
    body = failure(error)
  }
  const id = current
  current = undefined
  await call('POST', `invocation/${id}/${where}`, body, { 'Content-Type': 'application/json' })
}
