// AWS's events in TypeScript: the types of npm's @types/aws-lambda, and next to them what those leave out although AWS sends
// it, or demand although AWS does not. Each such difference is a line here; whatever else an event had, or had not, the compiler
// refuses.
import type {
  APIGatewayEventWebsocketRequestContextV2,
  APIGatewayProxyWebsocketEventV2,
  APIGatewayProxyWebsocketEventV2WithRequestContext,
  APIGatewayRequestAuthorizerEvent,
} from 'aws-lambda'

// The context of a WebSocket event has no `identity` and no `authorizer` in the package.
interface LeftOut {
  identity: {
    sourceIp: string
    userAgent?: string
    apiKey?: string
    apiKeyId?: string
    accountId?: string
    accessKey?: string
    caller?: string
    user?: string
    userArn?: string
    clientCert?: {
      clientCertPem: string
      subjectDN: string
      issuerDN: string
      serialNumber: string
      // Not AWS's but Gatewright's.
      subjectAlternativeNames?: string
      validity: { notBefore: string; notAfter: string }
    }
  }
  authorizer?: { principalId: string; integrationLatency?: number; [name: string]: string | number | undefined }
}
// Only a message has an id.
type Context<Kind> = Omit<APIGatewayEventWebsocketRequestContextV2, 'messageId' | 'eventType'> & LeftOut & { eventType: Kind }
type MessageContext = Context<'MESSAGE'> & Pick<APIGatewayEventWebsocketRequestContextV2, 'messageId'>
// Nor does the package know why a connection ended.
type DisconnectContext = Context<'DISCONNECT'> & { disconnectStatusCode: number; disconnectReason: string }
// Nor that the events of a handshake and of the end have headers.
interface Headers {
  headers: Record<string, string>
  multiValueHeaders: Record<string, string[]>
}

export type ConnectEvent = APIGatewayProxyWebsocketEventV2WithRequestContext<Context<'CONNECT'>> & Headers
export type MessageEvent = APIGatewayProxyWebsocketEventV2WithRequestContext<MessageContext>
export type DisconnectEvent = APIGatewayProxyWebsocketEventV2WithRequestContext<DisconnectContext> & Headers

// The package's event of a REQUEST authorizer is that of REST APIs, with a path, a method and a resource. A WebSocket's has
// none of them, and of the context what the event of `$connect` has.
type OfRest = 'path' | 'httpMethod' | 'resource' | 'pathParameters' | 'requestContext'
export type AuthorizerEvent = Omit<APIGatewayRequestAuthorizerEvent, OfRest> & {
  requestContext: Omit<Context<'CONNECT'>, 'authorizer'>
}

// A handler of the package's own type takes every message as it is.
export const plain = (event: MessageEvent): APIGatewayProxyWebsocketEventV2 => event
// It takes the others too, as far as it looks into what they have; the compiler alone misses `messageId`.
// @ts-expect-error
export const opened = (event: ConnectEvent): APIGatewayProxyWebsocketEventV2 => event
