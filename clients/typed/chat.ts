// Handlers as people write them in TypeScript, with the types of npm's @types/aws-lambda. What each is given it prints.
import type {
  APIGatewayProxyResultV2,
  APIGatewayProxyWebsocketHandlerV2,
  APIGatewayRequestAuthorizerHandler,
  Handler,
} from 'aws-lambda'

import type { ConnectEvent, DisconnectEvent } from './events.js'

const show = (event: unknown): void => console.log(`event ${JSON.stringify(event)}`)

export const gate: APIGatewayRequestAuthorizerHandler = async (event) => {
  show(event)
  if (event.queryStringParameters?.['token'] !== 'good') throw new Error('Unauthorized')
  return {
    principalId: 'ada',
    policyDocument: {
      Version: '2012-10-17',
      Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: event.methodArn }],
    },
    context: { plan: 'gold', level: 3 },
  }
}

export const connect: Handler<ConnectEvent, APIGatewayProxyResultV2> = async (event) => {
  show(event)
  return { statusCode: event.requestContext.authorizer?.principalId === 'ada' ? 200 : 403 }
}

export const message: APIGatewayProxyWebsocketHandlerV2 = async (event) => {
  show(event)
  const { connectionId, routeKey, messageDirection } = event.requestContext
  return { statusCode: 200, body: JSON.stringify({ connectionId, routeKey, messageDirection, said: event.body }) }
}

export const disconnect: Handler<DisconnectEvent, APIGatewayProxyResultV2> = async (event) => {
  show(event)
  return `${event.requestContext.disconnectStatusCode} ${event.requestContext.disconnectReason}`
}
