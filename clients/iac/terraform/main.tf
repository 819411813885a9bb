# Everything of a WebSocket API that Terraform's provider for AWS can make, in three states: as it is made (0), each
# attribute changed that can be (1), and each without a value that can be (2).
terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

variable "endpoint" {
  type = string
}

# The state of each group of resources.
variable "states" {
  type    = map(number)
  default = {}
}

provider "aws" {
  region                      = "us-east-1"
  access_key                  = "anything"
  secret_key                  = "anything"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true

  # Version 3 of the provider asks both versions of the control plane here; later ones have apigatewayv2 besides.
  endpoints {
    apigateway = var.endpoint
  }
}

locals {
  api     = lookup(var.states, "api", 0)
  backend = lookup(var.states, "backend", 0)
  routes  = lookup(var.states, "routes", 0)
  stage   = lookup(var.states, "stage", 0)
  account = lookup(var.states, "account", 0)

  lambda = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function"
}

# --- api

resource "aws_apigatewayv2_api" "chat" {
  protocol_type                = "WEBSOCKET"
  name                         = ["terraformed", "renamed", "terraformed"][local.api]
  description                  = ["a chat", "another chat", null][local.api]
  version                      = ["1", "2", null][local.api]
  route_selection_expression   = ["$request.body.action", "$request.body.do", "$request.body.action"][local.api]
  api_key_selection_expression = ["$request.header.x-api-key", "$context.authorizer.usageIdentifierKey", null][local.api]
  disable_execute_api_endpoint = [false, true, null][local.api]
  tags                         = [{ team = "a", old = "1" }, { team = "b", new = "n" }, null][local.api]
}

# --- backend

resource "aws_apigatewayv2_integration" "http" {
  api_id                        = aws_apigatewayv2_api.chat.id
  integration_type              = "HTTP"
  integration_method            = ["POST", "PUT", "POST"][local.backend]
  integration_uri               = ["http://127.0.0.1:9/a", "http://127.0.0.1:9/b", "http://127.0.0.1:9/a"][local.backend]
  connection_type               = ["INTERNET", "VPC_LINK", "INTERNET"][local.backend]
  connection_id                 = [null, aws_api_gateway_vpc_link.inner.id, null][local.backend]
  content_handling_strategy     = ["CONVERT_TO_TEXT", "CONVERT_TO_BINARY", "CONVERT_TO_TEXT"][local.backend]
  credentials_arn               = ["arn:aws:iam::000000000000:role/a", "arn:aws:iam::000000000000:role/b", "arn:aws:iam::000000000000:role/a"][local.backend]
  description                   = ["over there", "over here", "over there"][local.backend]
  passthrough_behavior          = ["NEVER", "WHEN_NO_TEMPLATES", "WHEN_NO_MATCH"][local.backend]
  template_selection_expression = ["$request.body.kind", "\\$default", "$request.body.kind"][local.backend]
  timeout_milliseconds          = [5000, 6000, 29000][local.backend]
  request_templates             = [{ a = "{\"a\": 1}", gone = "x" }, { a = "{\"a\": 2}", b = "$input.json('$')" }, null][local.backend]
  request_parameters = [
    { "integration.request.header.x-a" = "'a'", "integration.request.querystring.id" = "context.connectionId" },
    { "integration.request.header.x-a" = "'b'", "integration.request.header.x-b" = "route.request.body.b" },
    null,
  ][local.backend]
}

resource "aws_apigatewayv2_integration_response" "http" {
  api_id                        = aws_apigatewayv2_api.chat.id
  integration_id                = aws_apigatewayv2_integration.http.id
  integration_response_key      = ["/200/", "/4\\d\\d/", "$default"][local.backend]
  content_handling_strategy     = ["CONVERT_TO_TEXT", "CONVERT_TO_BINARY", "CONVERT_TO_TEXT"][local.backend]
  template_selection_expression = ["$integration.response.header.kind", "\\$default", "$integration.response.header.kind"][local.backend]
  response_templates            = [{ a = "1", gone = "x" }, { a = "2", b = "3" }, null][local.backend]
}

resource "aws_apigatewayv2_integration" "mock" {
  api_id            = aws_apigatewayv2_api.chat.id
  integration_type  = "MOCK"
  request_templates = [{ "200" = "{\"statusCode\": 200}" }, { "200" = "{\"statusCode\": 202}" }, { "200" = "{\"statusCode\": 200}" }][local.backend]
}

resource "aws_apigatewayv2_integration" "proxy" {
  api_id                    = aws_apigatewayv2_api.chat.id
  integration_type          = "AWS_PROXY"
  integration_uri           = ["${local.lambda}:a/invocations", "${local.lambda}:b/invocations", "${local.lambda}:a/invocations"][local.backend]
  content_handling_strategy = ["CONVERT_TO_TEXT", "CONVERT_TO_BINARY", "CONVERT_TO_TEXT"][local.backend]
}

# --- routes

resource "aws_apigatewayv2_model" "said" {
  api_id       = aws_apigatewayv2_api.chat.id
  name         = ["Said", "Spoken", "Said"][local.routes]
  content_type = ["application/json", "text/plain", "application/json"][local.routes]
  description  = ["what is said", "what was spoken", "what is said"][local.routes]
  schema       = jsonencode({ type = "object", title = ["Said", "Spoken", "Said"][local.routes] })
}

resource "aws_apigatewayv2_authorizer" "door" {
  api_id                     = aws_apigatewayv2_api.chat.id
  authorizer_type            = "REQUEST"
  name                       = ["door", "gate", "door"][local.routes]
  authorizer_uri             = ["${local.lambda}:door/invocations", "${local.lambda}:gate/invocations", "${local.lambda}:door/invocations"][local.routes]
  authorizer_credentials_arn = ["arn:aws:iam::000000000000:role/a", "arn:aws:iam::000000000000:role/b", "arn:aws:iam::000000000000:role/a"][local.routes]
  identity_sources = [
    ["route.request.header.Auth"],
    ["route.request.querystring.token", "context.domainName"],
    ["route.request.header.Auth"],
  ][local.routes]
}

resource "aws_apigatewayv2_route" "connect" {
  api_id             = aws_apigatewayv2_api.chat.id
  route_key          = "$connect"
  target             = "integrations/${[aws_apigatewayv2_integration.mock, aws_apigatewayv2_integration.proxy, aws_apigatewayv2_integration.mock][local.routes].id}"
  api_key_required   = [true, false, null][local.routes]
  authorization_type = ["CUSTOM", "AWS_IAM", "NONE"][local.routes]
  authorizer_id      = [aws_apigatewayv2_authorizer.door.id, null, null][local.routes]
  operation_name     = ["Come", "Enter", null][local.routes]

  dynamic "request_parameter" {
    for_each = [{ a = true, b = false }, { a = false, c = true }, {}][local.routes]
    content {
      request_parameter_key = "route.request.querystring.${request_parameter.key}"
      required              = request_parameter.value
    }
  }
}

resource "aws_apigatewayv2_route" "say" {
  api_id                              = aws_apigatewayv2_api.chat.id
  route_key                           = ["say", "speak", "say"][local.routes]
  target                              = "integrations/${aws_apigatewayv2_integration.http.id}"
  model_selection_expression          = ["$request.body.kind", "$request.body.sort", "$request.body.kind"][local.routes]
  request_models                      = [{ a = aws_apigatewayv2_model.said.name }, { a = aws_apigatewayv2_model.said.name, b = aws_apigatewayv2_model.said.name }, null][local.routes]
  route_response_selection_expression = ["$default", "$default", null][local.routes]
}

resource "aws_apigatewayv2_route" "default" {
  api_id                              = aws_apigatewayv2_api.chat.id
  route_key                           = "$default"
  target                              = "integrations/${aws_apigatewayv2_integration.mock.id}"
  route_response_selection_expression = "$default"
}

resource "aws_apigatewayv2_route_response" "default" {
  api_id                     = aws_apigatewayv2_api.chat.id
  route_id                   = aws_apigatewayv2_route.default.id
  route_response_key         = "$default"
  model_selection_expression = ["$request.body.kind", "$request.body.sort", null][local.routes]
  response_models            = [{ a = aws_apigatewayv2_model.said.name }, { b = aws_apigatewayv2_model.said.name }, null][local.routes]
}

# --- stage

resource "aws_apigatewayv2_deployment" "chat" {
  api_id      = aws_apigatewayv2_api.chat.id
  description = ["the first", "the first, they say", null][local.stage]

  # Whole resources are not hashed here: what has no value is null in the provider's plan and "" after it.
  triggers = {
    redeployment = sha1(jsonencode([local.backend, local.routes]))
  }

  depends_on = [
    aws_apigatewayv2_integration_response.http,
    aws_apigatewayv2_route.connect,
    aws_apigatewayv2_route.say,
    aws_apigatewayv2_route_response.default,
  ]

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_apigatewayv2_stage" "live" {
  api_id                = aws_apigatewayv2_api.chat.id
  name                  = "live"
  deployment_id         = aws_apigatewayv2_deployment.chat.id
  description           = ["what people see", "what they saw", null][local.stage]
  client_certificate_id = [aws_api_gateway_client_certificate.ours.id, null, null][local.stage]
  stage_variables       = [{ a = "1", gone = "x" }, { a = "2", b = "3" }, null][local.stage]
  tags                  = [{ team = "a", old = "1" }, { team = "b" }, null][local.stage]

  dynamic "access_log_settings" {
    for_each = [["$context.requestId"], ["$context.requestId $context.status"], []][local.stage]
    content {
      destination_arn = "arn:aws:logs:us-east-1:000000000000:log-group:${["a", "b", "a"][local.stage]}"
      format          = access_log_settings.value
    }
  }

  dynamic "default_route_settings" {
    for_each = [[true], [false], []][local.stage]
    content {
      data_trace_enabled       = default_route_settings.value
      detailed_metrics_enabled = default_route_settings.value
      logging_level            = default_route_settings.value ? "INFO" : "ERROR"
      throttling_burst_limit   = default_route_settings.value ? 100 : 50
      throttling_rate_limit    = default_route_settings.value ? 100.5 : 50
    }
  }

  dynamic "route_settings" {
    for_each = [{ "$connect" = 5, "$default" = 6 }, { "$connect" = 7 }, {}][local.stage]
    content {
      route_key                = route_settings.key
      data_trace_enabled       = route_settings.value == 5
      detailed_metrics_enabled = route_settings.value == 5
      logging_level            = route_settings.value == 5 ? "INFO" : "OFF"
      throttling_burst_limit   = route_settings.value
      throttling_rate_limit    = route_settings.value
    }
  }
}

resource "aws_apigatewayv2_stage" "auto" {
  api_id      = aws_apigatewayv2_api.chat.id
  name        = "auto"
  auto_deploy = [true, false, true][local.stage]

  # One that is deployed by itself names another deployment each time.
  lifecycle {
    ignore_changes = [deployment_id]
  }
}

# --- account

resource "aws_api_gateway_account" "ours" {
  cloudwatch_role_arn = ["arn:aws:iam::000000000000:role/logs", "arn:aws:iam::000000000000:role/others", "arn:aws:iam::000000000000:role/logs"][local.account]
}

resource "aws_api_gateway_client_certificate" "ours" {
  description = ["ours", "theirs", null][local.account]
  tags        = [{ team = "a", old = "1" }, { team = "b" }, null][local.account]
}

resource "aws_api_gateway_vpc_link" "inner" {
  name        = ["inner", "innermost", "inner"][local.account]
  description = ["within", "deep within", null][local.account]
  target_arns = ["arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/net/a/0123456789abcdef"]
  tags        = [{ team = "a", old = "1" }, { team = "b" }, null][local.account]
}

resource "aws_apigatewayv2_vpc_link" "second" {
  name               = ["second", "third", "second"][local.account]
  security_group_ids = ["sg-0123456789abcdef0"]
  subnet_ids         = ["subnet-0123456789abcdef0"]
  tags               = [{ team = "a", old = "1" }, { team = "b" }, null][local.account]
}

resource "aws_api_gateway_api_key" "partner" {
  name        = ["partner", "friend", "partner"][local.account]
  description = ["who pays", "who paid", "who pays"][local.account]
  enabled     = [true, false, true][local.account]
  value       = "partner-key-00000000000000000001"
  tags        = [{ team = "a", old = "1" }, { team = "b" }, null][local.account]
}

resource "aws_api_gateway_usage_plan" "partner" {
  name         = ["partner", "friend", "partner"][local.account]
  description  = ["who pays", "who paid", null][local.account]
  product_code = ["P1", "P2", null][local.account]
  tags         = [{ team = "a", old = "1" }, { team = "b" }, null][local.account]

  dynamic "api_stages" {
    for_each = [[aws_apigatewayv2_stage.live.name], [aws_apigatewayv2_stage.auto.name], []][local.account]
    content {
      api_id = aws_apigatewayv2_api.chat.id
      stage  = api_stages.value
    }
  }

  dynamic "quota_settings" {
    for_each = [["WEEK"], ["MONTH"], []][local.account]
    content {
      limit  = quota_settings.value == "WEEK" ? 100 : 1000
      offset = quota_settings.value == "WEEK" ? 1 : 0
      period = quota_settings.value
    }
  }

  dynamic "throttle_settings" {
    for_each = [[20], [30], []][local.account]
    content {
      burst_limit = throttle_settings.value
      rate_limit  = throttle_settings.value / 2
    }
  }
}

resource "aws_api_gateway_usage_plan_key" "partner" {
  key_id        = aws_api_gateway_api_key.partner.id
  key_type      = "API_KEY"
  usage_plan_id = aws_api_gateway_usage_plan.partner.id
}

resource "aws_apigatewayv2_domain_name" "chat" {
  domain_name = "chat.example.test"
  tags        = [{ team = "a", old = "1" }, { team = "b" }, null][local.account]

  domain_name_configuration {
    certificate_arn = "arn:aws:acm:us-east-1:000000000000:certificate/${["a", "b", "a"][local.account]}"
    endpoint_type   = "REGIONAL"
    security_policy = "TLS_1_2"
  }
}

resource "aws_apigatewayv2_api_mapping" "chat" {
  api_id          = aws_apigatewayv2_api.chat.id
  domain_name     = aws_apigatewayv2_domain_name.chat.id
  stage           = [aws_apigatewayv2_stage.live.id, aws_apigatewayv2_stage.auto.id, aws_apigatewayv2_stage.live.id][local.account]
  api_mapping_key = ["v1", "v2", null][local.account]
}

output "api" {
  value = aws_apigatewayv2_api.chat.id
}
