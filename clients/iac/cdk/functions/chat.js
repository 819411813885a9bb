const word = 'heard'

exports.authorize = async (event) => ({
  principalId: event.queryStringParameters.token,
  policyDocument: {
    Version: '2012-10-17',
    Statement: [
      { Action: 'execute-api:Invoke', Effect: event.queryStringParameters.token === 'stranger' ? 'Deny' : 'Allow', Resource: event.methodArn },
    ],
  },
})

exports.answer = async (event) => {
  if (event.requestContext.eventType === 'CONNECT') return { statusCode: 200 }
  const said = { [word]: JSON.parse(event.body).text, by: event.requestContext.authorizer.principalId, in: process.env.ROOM }
  return { statusCode: 200, body: JSON.stringify(said) }
}
