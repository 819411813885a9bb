// The chat's server: plain HTTP, no socket in sight. API Gateway (or Gatewright) holds the WebSockets,
// calls these three routes, and takes what we push through its @connections API.

const express = require('express');
const {
  ApiGatewayManagementApiClient,
  PostToConnectionCommand,
} = require('@aws-sdk/client-apigatewaymanagementapi');

const port = Number(process.env.PORT ?? 3000);
if (!process.env.CALLBACK_URL) {
  console.error('CALLBACK_URL is not set; setup.sh prints it');
  process.exit(64);
}
const gateway = new ApiGatewayManagementApiClient({
  endpoint: process.env.CALLBACK_URL,
  region: process.env.AWS_REGION ?? 'us-east-1',
});

// Who is here: connection id → name. It lives as long as this process.
const users = new Map();

// Pushes one message to one client; one that has gone is forgotten.
async function push(connectionId, message) {
  try {
    await gateway.send(
      new PostToConnectionCommand({ ConnectionId: connectionId, Data: JSON.stringify(message) }),
    );
    return true;
  } catch (error) {
    if (error.name === 'GoneException' || error.$metadata?.httpStatusCode === 410) {
      console.log(`gone: ${users.get(connectionId)} (${connectionId})`);
      users.delete(connectionId);
    } else {
      console.error(`push to ${connectionId}: ${error.name}: ${error.message}`);
    }
    return false;
  }
}

async function pushAll(connectionIds, message) {
  const results = await Promise.all(connectionIds.map((id) => push(id, message)));
  return results.filter(Boolean).length;
}

const app = express();
app.use(express.json());

// `connectionid` and `userinfo` are headers only because setup.sh maps them: an HTTP integration brings neither by itself.
app.post('/connect', (request, response) => {
  const id = request.get('connectionid');
  const name = request.get('userinfo') || 'somebody';
  users.set(id, name);
  console.log(`connect: ${name} (${id})`);
  response.sendStatus(200);
});

app.post('/disconnect', (request, response) => {
  const id = request.get('connectionid');
  console.log(`disconnect: ${users.get(id)} (${id})`);
  users.delete(id);
  response.sendStatus(200);
});

// {"action":"sendmessage","text":"…"} goes to all, with "to":"name" to that user only. What we answer here
// is the sender's receipt, because setup.sh made the route two-way.
app.all('/message', async (request, response) => {
  const id = request.get('connectionid');
  const { text, to } = request.body ?? {};
  if (text === undefined) {
    console.log(`message: ${request.method} with an empty body (${id})`);
    response.json({ error: `the server got ${request.method} with an empty body` });
    return;
  }
  const from = users.get(id) ?? 'somebody';
  console.log(`message: ${from}: ${text}`);
  const ids = [...users.keys()].filter((key) => to === undefined || users.get(key) === to);
  const delivered = await pushAll(ids, { from, text, ...(to && { to }) });
  response.json({ delivered });
});

app.listen(port, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${port}`));
