// $connect: lets in whoever says a name.
export const handler = async (event) => {
  const { name } = event.queryStringParameters ?? {}
  console.log('connect', event.requestContext.connectionId, name)
  return { statusCode: name ? 200 : 401 }
}
