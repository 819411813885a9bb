exports.handler = async (event) => ({ statusCode: 200, body: JSON.stringify({ what: event.body, of: process.env.CLUB }) })
