// The route `send`: passes a text on to the connections that the sender names, by the SDK, as on AWS.
import { ApiGatewayManagementApiClient, GoneException, PostToConnectionCommand } from '@aws-sdk/client-apigatewaymanagementapi'

export const handler = async (event) => {
  const { connectionId, domainName, stage } = event.requestContext
  const { to, text } = JSON.parse(event.body)
  const client = new ApiGatewayManagementApiClient({ endpoint: `https://${domainName}/${stage}` })
  const sent = to.map(async (id) => {
    try {
      await client.send(new PostToConnectionCommand({ ConnectionId: id, Data: JSON.stringify({ from: connectionId, text }) }))
      return 1
    } catch (error) {
      if (!(error instanceof GoneException)) throw error
      return 0
    }
  })
  const delivered = (await Promise.all(sent)).reduce((sum, one) => sum + one, 0)
  return { statusCode: 200, body: JSON.stringify({ delivered }) }
}
