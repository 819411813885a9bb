// Two stacks: functions, and a chat that imports them. Its routes are Lambda, HTTP and MOCK, its door has an authorizer.
const { App, CfnOutput, Fn, Stack, aws_apigatewayv2: gateway, aws_lambda: lambda } = require('aws-cdk-lib')
const { WebSocketLambdaAuthorizer } = require('aws-cdk-lib/aws-apigatewayv2-authorizers')
const { WebSocketLambdaIntegration, WebSocketMockIntegration } = require('aws-cdk-lib/aws-apigatewayv2-integrations')

class Functions extends Stack {
  constructor(app) {
    super(app, 'Functions')
    const code = lambda.Code.fromAsset(`${__dirname}/functions`)
    const make = (name, rest) =>
      new lambda.Function(this, name, { runtime: lambda.Runtime.NODEJS_20_X, code, handler: `chat.${name.toLowerCase()}`, ...rest })
    this.door = make('Authorize')
    this.chat = make('Answer', { environment: { ROOM: 'attic' } })
    new CfnOutput(this, 'Backend', { value: this.node.getContext('backend'), exportName: 'chat-backend' })
  }
}

class Chat extends Stack {
  constructor(app, functions) {
    super(app, 'Chat')
    const api = new gateway.WebSocketApi(this, 'Api', {
      apiName: 'cdk-chat',
      connectRouteOptions: {
        integration: new WebSocketLambdaIntegration('Connect', functions.chat),
        authorizer: new WebSocketLambdaAuthorizer('Door', functions.door, { identitySource: ['route.request.querystring.token'] }),
      },
    })
    const stage = new gateway.WebSocketStage(this, 'Dev', { webSocketApi: api, stageName: 'dev', autoDeploy: true })
    api.addRoute('say', { integration: new WebSocketLambdaIntegration('Say', functions.chat), returnResponse: true })
    this.ping(api)
    this.http(api)
    new CfnOutput(this, 'Url', { value: stage.url })
  }

  ping(api) {
    const route = api.addRoute('ping', {
      integration: new WebSocketMockIntegration('Ping', {
        requestTemplates: { 200: '{"statusCode": 200}' },
        templateSelectionExpression: '200',
      }),
      returnResponse: true,
    })
    // The construct has no responses of integrations: people add them at the lower level.
    const integration = route.node.findAll().find((one) => one instanceof gateway.CfnIntegration)
    new gateway.CfnIntegrationResponse(this, 'Pong', {
      apiId: api.apiId,
      integrationId: integration.ref,
      integrationResponseKey: '$default',
      templateSelectionExpression: '200',
      responseTemplates: { 200: '{"pong": "$context.connectionId", "stage": "$context.stage"}' },
    })
  }

  http(api) {
    // There is no construct of HTTP integrations either.
    const integration = new gateway.CfnIntegration(this, 'Http', {
      apiId: api.apiId,
      integrationType: 'HTTP_PROXY',
      integrationMethod: 'POST',
      integrationUri: Fn.join('', [Fn.importValue('chat-backend'), '/echo']),
      requestParameters: { 'integration.request.header.X-Who': 'context.authorizer.principalId' },
    })
    const route = new gateway.CfnRoute(this, 'HttpRoute', {
      apiId: api.apiId,
      routeKey: '$default',
      target: `integrations/${integration.ref}`,
      routeResponseSelectionExpression: '$default',
    })
    new gateway.CfnRouteResponse(this, 'HttpResponse', { apiId: api.apiId, routeId: route.ref, routeResponseKey: '$default' })
  }
}

const app = new App()
new Chat(app, new Functions(app))
