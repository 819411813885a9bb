// $disconnect: nobody waits for its answer.
export const handler = async (event) => {
  console.log('disconnect', event.requestContext.connectionId, event.requestContext.disconnectStatusCode)
  return { statusCode: 200 }
}
