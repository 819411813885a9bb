#!/usr/bin/env bash
# Makes the chat's WebSocket API with the AWS CLI, four functions behind it.
#
#   bash setup.sh                            against gatewright on this machine, which runs the functions
#   ON_AWS=1 ROLE_ARN=arn:… bash setup.sh    on AWS: the functions are uploaded too; the role lets them push
#                                            (execute-api:ManageConnections) and write logs
set -eu
export AWS_PAGER=""
stage="${STAGE:-dev}"
export AWS_DEFAULT_REGION="${AWS_DEFAULT_REGION:-us-east-1}"
if [ -z "${ON_AWS:-}" ]; then
  export AWS_ENDPOINT_URL="${AWS_ENDPOINT_URL:-http://127.0.0.1:4510}"
  export AWS_ACCESS_KEY_ID="${AWS_ACCESS_KEY_ID:-anything}" AWS_SECRET_ACCESS_KEY="${AWS_SECRET_ACCESS_KEY:-anything}"
  account=000000000000
else
  account=$(aws sts get-caller-identity --query Account --output text)
fi

api=$(aws apigatewayv2 create-api --name lambda-chat --protocol-type WEBSOCKET \
  --route-selection-expression '$request.body.action' --query ApiId --output text)

# route, file, runtime
route() {
  name="chat-$2" arn="arn:aws:lambda:$AWS_DEFAULT_REGION:$account:function:chat-$2"
  if [ -n "${ON_AWS:-}" ]; then
    rm -f "$name.zip" && zip -q "$name.zip" "$2".*
    aws lambda create-function --function-name "$name" --runtime "$3" --handler "$2.handler" --role "$ROLE_ARN" \
      --timeout 10 --zip-file "fileb://$name.zip" > /dev/null
    aws lambda add-permission --function-name "$name" --statement-id "$api" --action lambda:InvokeFunction \
      --principal apigateway.amazonaws.com --source-arn "arn:aws:execute-api:$AWS_DEFAULT_REGION:$account:$api/*" > /dev/null
  fi
  integration=$(aws apigatewayv2 create-integration --api-id "$api" --integration-type AWS_PROXY --query IntegrationId --output text \
    --integration-uri "arn:aws:apigateway:$AWS_DEFAULT_REGION:lambda:path/2015-03-31/functions/$arn/invocations")
  case "$1" in
    '$'*) aws apigatewayv2 create-route --api-id "$api" --route-key "$1" --target "integrations/$integration" > /dev/null ;;
    *)
      # Two-way: the body of the function's answer goes back to the sender.
      id=$(aws apigatewayv2 create-route --api-id "$api" --route-key "$1" --target "integrations/$integration" \
        --route-response-selection-expression '$default' --query RouteId --output text)
      aws apigatewayv2 create-route-response --api-id "$api" --route-id "$id" --route-response-key '$default' > /dev/null
      ;;
  esac
}
route '$connect' connect nodejs20.x
route '$disconnect' disconnect nodejs20.x
route send send nodejs20.x
route whoami whoami python3.11

deployment=$(aws apigatewayv2 create-deployment --api-id "$api" --query DeploymentId --output text)
aws apigatewayv2 create-stage --api-id "$api" --stage-name "$stage" --deployment-id "$deployment" > /dev/null

if [ -z "${ON_AWS:-}" ]; then
  at="${AWS_ENDPOINT_URL%/}/_aws/execute-api/$api"
  echo "connect: ws${at#http}/$stage?name=ann"
else
  echo "connect: $(aws apigatewayv2 get-api --api-id "$api" --query ApiEndpoint --output text)/$stage?name=ann"
fi
