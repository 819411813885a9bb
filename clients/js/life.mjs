// A client's life with the JS SDK alone: makes an API, connects, pushes, asks, closes, meets the typed error.
// Prints one JSON object per step; the Python side judges.
//   node life.mjs GATEWAY_URL BACKEND_URL by-path|by-host

import http from 'node:http';
import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GetConnectionCommand,
  GoneException,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import {
  ApiGatewayV2Client,
  BadRequestException,
  ConflictException,
  CreateApiCommand,
  CreateDeploymentCommand,
  CreateIntegrationCommand,
  CreateRouteCommand,
  CreateRouteResponseCommand,
  CreateStageCommand,
  DeleteApiCommand,
  GetApiCommand,
  GetRoutesCommand,
  NotFoundException,
  UpdateIntegrationCommand,
} from '@aws-sdk/client-apigatewayv2';
import WebSocket from 'ws';

const [gateway, backend, form] = process.argv.slice(2);
const say = (step, more = {}) => console.log(JSON.stringify({ step, ...more }));

// Not every resolver knows the names below .localhost.
const lookup = (_, options, done) =>
  options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4);
const common = { region: 'us-east-1', maxAttempts: 1 };
const api = new ApiGatewayV2Client({ ...common, endpoint: gateway });

const refused = async (command) => {
  try {
    await api.send(command);
  } catch (error) {
    return error;
  }
  throw new Error('the call was not refused');
};

// The control plane.
const { ApiId } = await api.send(
  new CreateApiCommand({
    Name: 'js',
    ProtocolType: 'WEBSOCKET',
    RouteSelectionExpression: '$request.body.action',
    Tags: { made: 'by js' },
  }),
);
const about = await api.send(new GetApiCommand({ ApiId }));
say('api', { tags: about.Tags, created: about.CreatedDate instanceof Date, endpoint: about.ApiEndpoint, id: ApiId });

const integrations = {};
for (const name of ['connect', 'disconnect', 'echo']) {
  const { IntegrationId } = await api.send(
    new CreateIntegrationCommand({
      ApiId,
      IntegrationType: 'HTTP_PROXY',
      IntegrationMethod: 'POST',
      IntegrationUri: `${backend}/js/${name}`,
    }),
  );
  const updated = await api.send(
    new UpdateIntegrationCommand({
      ApiId,
      IntegrationId,
      RequestParameters: { 'integration.request.header.connectionId': 'context.connectionId' },
    }),
  );
  integrations[name] = IntegrationId;
  if (name === 'echo') say('integration', { timeout: updated.TimeoutInMillis, parameters: updated.RequestParameters });
}
await api.send(new CreateRouteCommand({ ApiId, RouteKey: '$connect', Target: `integrations/${integrations.connect}` }));
await api.send(new CreateRouteCommand({ ApiId, RouteKey: '$disconnect', Target: `integrations/${integrations.disconnect}` }));
const { RouteId } = await api.send(
  new CreateRouteCommand({
    ApiId,
    RouteKey: 'whoami',
    Target: `integrations/${integrations.echo}`,
    RouteResponseSelectionExpression: '$default',
  }),
);
await api.send(new CreateRouteResponseCommand({ ApiId, RouteId, RouteResponseKey: '$default' }));
const missing = await refused(new GetApiCommand({ ApiId: 'missing' }));
const twice = await refused(new CreateRouteCommand({ ApiId, RouteKey: 'whoami' }));
const unnamed = await refused(new CreateApiCommand({ ProtocolType: 'WEBSOCKET', Name: 'x' }));
say('errors', {
  typed: [missing instanceof NotFoundException, twice instanceof ConflictException, unnamed instanceof BadRequestException],
  messages: [missing.message, twice.message, unnamed.message],
});
const { DeploymentId } = await api.send(new CreateDeploymentCommand({ ApiId }));
await api.send(new CreateStageCommand({ ApiId, StageName: 'dev', DeploymentId }));
const pages = [];
let NextToken;
do {
  const page = await api.send(new GetRoutesCommand({ ApiId, MaxResults: '2', NextToken }));
  pages.push(page.Items.map((route) => route.RouteKey));
  NextToken = page.NextToken;
} while (NextToken !== undefined);
say('routes', { pages });

// The data plane, in the address form at hand.
const address = new URL(gateway);
const byHost = form === 'by-host';
const host = byHost ? `${ApiId}.execute-api.localhost:${address.port}` : address.host;
const stage = byHost ? '/dev' : `/_aws/execute-api/${ApiId}/dev`;
const socket = new WebSocket(`ws://${host}${stage}`, { lookup: byHost ? lookup : undefined });
const inbox = [];
let arrived = () => {};
socket.on('message', (data) => {
  inbox.push(data.toString());
  arrived();
});
const next = async () => {
  while (inbox.length === 0) await new Promise((resolve) => (arrived = resolve));
  return inbox.shift();
};
const closed = new Promise((resolve) => socket.on('close', (code) => resolve(code)));
await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
socket.send(JSON.stringify({ action: 'whoami' }));
const ConnectionId = JSON.parse(await next()).id;

const management = new ApiGatewayManagementApiClient({
  ...common,
  endpoint: `http://${host}${stage}`,
  requestHandler: { httpAgent: new http.Agent({ lookup: byHost ? lookup : undefined }) },
});
await management.send(new PostToConnectionCommand({ ConnectionId, Data: 'grüße 👋' }));
say('pushed', { got: await next() });
const client = await management.send(new GetConnectionCommand({ ConnectionId }));
say('asked', { ip: client.Identity.SourceIp, dates: [client.ConnectedAt instanceof Date, client.LastActiveAt instanceof Date] });
await management.send(new DeleteConnectionCommand({ ConnectionId }));
say('closed', { code: await closed });
try {
  await management.send(new PostToConnectionCommand({ ConnectionId, Data: 'x' }));
  say('gone', { typed: false, status: 200 });
} catch (error) {
  say('gone', { typed: error instanceof GoneException, name: error.name, status: error.$metadata.httpStatusCode });
}
await api.send(new DeleteApiCommand({ ApiId }));
say('deleted', { typed: (await refused(new GetApiCommand({ ApiId }))) instanceof NotFoundException });
