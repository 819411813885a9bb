#!/usr/bin/env bash
# Makes the chat's WebSocket API with the AWS CLI: the commands that one runs on AWS, in that order.
# Local are only the endpoint and the made-up credentials of the first lines; take them away and this is AWS's.
set -eu

export AWS_ENDPOINT_URL="${AWS_ENDPOINT_URL:-http://127.0.0.1:4510}"
export AWS_ACCESS_KEY_ID="${AWS_ACCESS_KEY_ID:-anything}"
export AWS_SECRET_ACCESS_KEY="${AWS_SECRET_ACCESS_KEY:-anything}"
export AWS_DEFAULT_REGION="${AWS_DEFAULT_REGION:-us-east-1}"
export AWS_PAGER=""
backend="${BACKEND_URL:-http://127.0.0.1:3000}"
stage="${STAGE:-dev}"

api=$(aws apigatewayv2 create-api --name chat --protocol-type WEBSOCKET \
  --route-selection-expression '$request.body.action' --query ApiId --output text)

# Three backends behind the API. HTTP_PROXY hands everything through; HTTP leaves the shaping to the API.
connect=$(aws apigatewayv2 create-integration --api-id "$api" --integration-type HTTP_PROXY \
  --integration-method POST --integration-uri "$backend/connect" --query IntegrationId --output text)
message=$(aws apigatewayv2 create-integration --api-id "$api" --integration-type HTTP \
  --integration-method POST --integration-uri "$backend/message" --query IntegrationId --output text)
disconnect=$(aws apigatewayv2 create-integration --api-id "$api" --integration-type HTTP_PROXY \
  --integration-method POST --integration-uri "$backend/disconnect" --query IntegrationId --output text)

# An HTTP backend is not told who is calling unless it is mapped: the connection id, and at connect the user.
aws apigatewayv2 update-integration --api-id "$api" --integration-id "$connect" \
  --request-parameters 'integration.request.header.connectionId'='context.connectionId','integration.request.header.userinfo'='route.request.querystring.user' > /dev/null
for integration in "$message" "$disconnect"; do
  aws apigatewayv2 update-integration --api-id "$api" --integration-id "$integration" \
    --request-parameters 'integration.request.header.connectionId'='context.connectionId' > /dev/null
done

# The message route is two-way: what the backend answers goes back to the sender. An HTTP integration needs
# an integration response for that, and the route a route response.
aws apigatewayv2 create-integration-response --api-id "$api" --integration-id "$message" \
  --integration-response-key '$default' > /dev/null

aws apigatewayv2 create-route --api-id "$api" --route-key '$connect' --target "integrations/$connect" \
  --request-parameters '{"route.request.querystring.user": {"Required": false}}' > /dev/null
aws apigatewayv2 create-route --api-id "$api" --route-key '$disconnect' --target "integrations/$disconnect" > /dev/null
route=$(aws apigatewayv2 create-route --api-id "$api" --route-key sendmessage --target "integrations/$message" \
  --route-response-selection-expression '$default' --query RouteId --output text)
aws apigatewayv2 create-route-response --api-id "$api" --route-id "$route" --route-response-key '$default' > /dev/null

deployment=$(aws apigatewayv2 create-deployment --api-id "$api" --query DeploymentId --output text)
aws apigatewayv2 create-stage --api-id "$api" --stage-name "$stage" --deployment-id "$deployment" \
  --default-route-settings DataTraceEnabled=true,LoggingLevel=INFO > /dev/null

endpoint=$(aws apigatewayv2 get-api --api-id "$api" --query ApiEndpoint --output text)
by_path="${AWS_ENDPOINT_URL%/}/_aws/execute-api/$api/$stage"
cat <<END
API                  $api
message integration  $message
WebSocket, by path   ws${by_path#http}
WebSocket, by host   $endpoint/$stage
callback URL         $by_path
END
