exports.handler = async (event) => {
  if (!event.queryStringParameters.pass.startsWith('guest-')) throw new Error('Unauthorized')
  return {
    principalId: event.queryStringParameters.pass,
    context: { table: 7 },
    policyDocument: { Version: '2012-10-17', Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: '*' }] },
  }
}
