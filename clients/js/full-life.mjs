// The rest of the control plane with the JS SDK: models' templates, domain names, mappings, VPC links, tags.
// Prints one JSON object per step; the Python side judges.
//   node full-life.mjs GATEWAY_URL

import * as sdk from '@aws-sdk/client-apigatewayv2';

const [gateway] = process.argv.slice(2);
const say = (step, more = {}) => console.log(JSON.stringify({ step, ...more }));
const api = new sdk.ApiGatewayV2Client({ region: 'us-east-1', maxAttempts: 1, endpoint: gateway });
const call = (name, input) => api.send(new sdk[`${name}Command`](input));
const refused = async (name, input) => {
  try {
    await call(name, input);
  } catch (error) {
    return error;
  }
  throw new Error(`${name} was not refused`);
};

const { ApiId } = await call('CreateApi', {
  Name: 'js-life',
  ProtocolType: 'WEBSOCKET',
  RouteSelectionExpression: '$request.body.action',
});
await call('CreateRoute', { ApiId, RouteKey: '$default' });
await call('CreateStage', { ApiId, StageName: 'dev', AutoDeploy: true });
const Schema = JSON.stringify({ type: 'object', properties: { text: { type: 'string' } } });
const { ModelId } = await call('CreateModel', { ApiId, Name: 'Chat', ContentType: 'application/json', Schema });
const { Value } = await call('GetModelTemplate', { ApiId, ModelId });
say('template', { holdsItsMember: Value.includes('"text" : "$inputRoot.text"') });

const DomainName = 'js.example.com';
await call('CreateDomainName', { DomainName, DomainNameConfigurations: [{ CertificateArn: 'arn:aws:acm:x:1:certificate/c' }] });
const domain = await call('GetDomainName', { DomainName });
const [configuration] = domain.DomainNameConfigurations;
say('domain', { arn: domain.DomainNameArn, status: configuration.DomainNameStatus, type: configuration.EndpointType });
const { ApiMappingId } = await call('CreateApiMapping', { DomainName, ApiId, Stage: 'dev' });
await call('UpdateApiMapping', { DomainName, ApiMappingId, ApiId, ApiMappingKey: 'chat' });
const mappings = await call('GetApiMappings', { DomainName });
say('mappings', { keys: mappings.Items.map((mapping) => mapping.ApiMappingKey), pages: mappings.NextToken ? 2 : 1 });
const mapped = await refused('DeleteApi', { ApiId });
const stage = await refused('DeleteStage', { ApiId, StageName: 'dev' });
say('mapped', { typed: mapped instanceof sdk.BadRequestException, stage: stage instanceof sdk.ConflictException });
await call('DeleteApiMapping', { DomainName, ApiMappingId });
await call('DeleteDomainName', { DomainName });

const made = await call('CreateVpcLink', { Name: 'js', SubnetIds: ['subnet-1'] });
const { VpcLinkId } = made;
const link = await call('GetVpcLink', { VpcLinkId });
const integration = await refused('CreateIntegration', {
  ApiId,
  IntegrationType: 'HTTP_PROXY',
  IntegrationMethod: 'POST',
  IntegrationUri: 'http://example.net',
  ConnectionType: 'VPC_LINK',
  ConnectionId: VpcLinkId,
});
say('link', {
  status: [made.VpcLinkStatus, link.VpcLinkStatus],
  refused: integration instanceof sdk.BadRequestException,
  created: link.CreatedDate instanceof Date,
});
const ResourceArn = `arn:aws:apigateway:us-east-1::/vpclinks/${VpcLinkId}`;
await call('TagResource', { ResourceArn, Tags: { a: '1', b: '2' } });
await call('UntagResource', { ResourceArn, TagKeys: ['a'] });
say('tags', { tags: (await call('GetTags', { ResourceArn })).Tags });
await call('DeleteVpcLink', { VpcLinkId });
await call('DeleteApi', { ApiId });
say('gone', { typed: (await refused('GetApi', { ApiId })) instanceof sdk.NotFoundException });
