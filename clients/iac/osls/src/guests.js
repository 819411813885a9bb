exports.handler = async (event) => {
  const { eventType, authorizer, routeKey } = event.requestContext
  console.log(eventType, routeKey, authorizer.principalId)
  if (eventType !== 'MESSAGE') return { statusCode: 200 }
  const said = { said: process.env.WELCOME, to: authorizer.principalId, at: authorizer.table, of: process.env.CLUB }
  return { statusCode: 200, body: JSON.stringify(said) }
}
