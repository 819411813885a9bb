//! The rows: every type that the control plane has. Source: the CloudFormation registry's schemas, which a test compares.

use super::{Kind, Property, Shape};
use Shape::{Document, Flag, Number, Object, ObjectMap, Objects, TagList, TextMap, Texts, Unused};

const fn text(name: &'static str) -> Property {
    Property::text(name)
}

const fn prop(name: &'static str, shape: Shape) -> Property {
    Property::new(name, shape)
}

const API_ID: Property = text("ApiId").required().replaces();

const CONSTRAINTS: &[(&str, Shape)] = &[("Required", Flag)];

const ROUTE_SETTINGS: &[(&str, Shape)] = &[
    ("DataTraceEnabled", Flag),
    ("DetailedMetricsEnabled", Flag),
    ("LoggingLevel", Shape::Text),
    ("ThrottlingBurstLimit", Number),
    ("ThrottlingRateLimit", Number),
];

const DOMAIN_CONFIGURATION: &[(&str, Shape)] = &[
    ("CertificateArn", Shape::Text),
    ("CertificateName", Shape::Text),
    ("EndpointType", Shape::Text),
    ("IpAddressType", Shape::Text),
    ("OwnershipVerificationCertificateArn", Shape::Text),
    ("SecurityPolicy", Shape::Text),
];

const MUTUAL_TLS: &[(&str, Shape)] = &[("TruststoreUri", Shape::Text), ("TruststoreVersion", Shape::Text)];

const THROTTLE: &[(&str, Shape)] = &[("BurstLimit", Number), ("RateLimit", Number)];

const QUOTA: &[(&str, Shape)] = &[("Limit", Number), ("Offset", Number), ("Period", Shape::Text)];

const API_STAGE: &[(&str, Shape)] =
    &[("ApiId", Shape::Text), ("Stage", Shape::Text), ("Throttle", ObjectMap(THROTTLE))];

const STAGE_KEY: &[(&str, Shape)] = &[("RestApiId", Shape::Text), ("StageName", Shape::Text)];

const ACCESS_LOG: &[(&str, Shape)] = &[("DestinationArn", Shape::Text), ("Format", Shape::Text)];

const JWT: &[(&str, Shape)] = &[("Audience", Texts), ("Issuer", Shape::Text)];

const CORS: &[(&str, Shape)] = &[
    ("AllowCredentials", Flag),
    ("AllowHeaders", Texts),
    ("AllowMethods", Texts),
    ("AllowOrigins", Texts),
    ("ExposeHeaders", Texts),
    ("MaxAge", Number),
];

/// All of them.
pub(crate) static TABLE: &[Kind] = &[
    Kind {
        name: "AWS::ApiGatewayV2::Api",
        noun: "API",
        collection: "/v2/apis",
        id: "apiId",
        label: "Name",
        properties: &[
            text("ApiKeySelectionExpression"),
            prop("BasePath", Unused),
            prop("Body", Unused),
            prop("BodyS3Location", Unused),
            prop("CorsConfiguration", Object(CORS)),
            text("CredentialsArn"),
            text("Description"),
            prop("DisableExecuteApiEndpoint", Flag),
            prop("DisableSchemaValidation", Flag),
            prop("FailOnWarnings", Unused),
            text("IpAddressType"),
            text("Name"),
            text("ProtocolType").replaces(),
            text("RouteKey"),
            text("RouteSelectionExpression"),
            prop("Tags", TextMap),
            text("Target"),
            text("Version"),
        ],
        attributes: &[("ApiId", "/apiId"), ("ApiEndpoint", "/apiEndpoint")],
        is_unique: false,
    },
    Kind {
        name: "AWS::ApiGatewayV2::Route",
        noun: "route",
        collection: "/v2/apis/{ApiId}/routes",
        id: "routeId",
        label: "RouteKey",
        properties: &[
            API_ID,
            prop("ApiKeyRequired", Flag),
            prop("AuthorizationScopes", Texts),
            text("AuthorizationType"),
            text("AuthorizerId"),
            text("ModelSelectionExpression"),
            text("OperationName"),
            prop("RequestModels", TextMap),
            prop("RequestParameters", ObjectMap(CONSTRAINTS)),
            text("RouteKey").required(),
            text("RouteResponseSelectionExpression"),
            text("Target"),
        ],
        attributes: &[("RouteId", "/routeId")],
        is_unique: true,
    },
    Kind {
        name: "AWS::ApiGatewayV2::Integration",
        noun: "integration",
        collection: "/v2/apis/{ApiId}/integrations",
        id: "integrationId",
        label: "IntegrationUri",
        properties: &[
            API_ID,
            text("ConnectionId"),
            text("ConnectionType"),
            text("ContentHandlingStrategy"),
            text("CredentialsArn"),
            text("Description"),
            text("IntegrationMethod"),
            text("IntegrationSubtype"),
            text("IntegrationType").required(),
            text("IntegrationUri"),
            text("PassthroughBehavior"),
            text("PayloadFormatVersion"),
            prop("RequestParameters", TextMap),
            prop("RequestTemplates", TextMap),
            prop("ResponseParameters", Unused),
            text("TemplateSelectionExpression"),
            prop("TimeoutInMillis", Number),
            prop("TlsConfig", Object(&[("ServerNameToVerify", Shape::Text)])),
        ],
        attributes: &[("IntegrationId", "/integrationId")],
        is_unique: false,
    },
    Kind {
        name: "AWS::ApiGatewayV2::IntegrationResponse",
        noun: "integration response",
        collection: "/v2/apis/{ApiId}/integrations/{IntegrationId}/integrationresponses",
        id: "integrationResponseId",
        label: "IntegrationResponseKey",
        properties: &[
            API_ID,
            text("ContentHandlingStrategy"),
            text("IntegrationId").required().replaces(),
            text("IntegrationResponseKey").required(),
            prop("ResponseParameters", TextMap),
            prop("ResponseTemplates", TextMap),
            text("TemplateSelectionExpression"),
        ],
        attributes: &[("IntegrationResponseId", "/integrationResponseId")],
        is_unique: true,
    },
    Kind {
        name: "AWS::ApiGatewayV2::RouteResponse",
        noun: "route response",
        collection: "/v2/apis/{ApiId}/routes/{RouteId}/routeresponses",
        id: "routeResponseId",
        label: "RouteResponseKey",
        properties: &[
            API_ID,
            text("ModelSelectionExpression"),
            prop("ResponseModels", TextMap),
            prop("ResponseParameters", ObjectMap(CONSTRAINTS)),
            text("RouteId").required().replaces(),
            text("RouteResponseKey").required(),
        ],
        attributes: &[("RouteResponseId", "/routeResponseId")],
        is_unique: true,
    },
    Kind {
        name: "AWS::ApiGatewayV2::Model",
        noun: "model",
        collection: "/v2/apis/{ApiId}/models",
        id: "modelId",
        label: "Name",
        properties: &[
            API_ID,
            text("ContentType"),
            text("Description"),
            text("Name").required(),
            prop("Schema", Document).required(),
        ],
        attributes: &[("ModelId", "/modelId")],
        is_unique: true,
    },
    Kind {
        name: "AWS::ApiGatewayV2::Authorizer",
        noun: "authorizer",
        collection: "/v2/apis/{ApiId}/authorizers",
        id: "authorizerId",
        label: "Name",
        properties: &[
            API_ID,
            text("AuthorizerCredentialsArn"),
            text("AuthorizerPayloadFormatVersion"),
            prop("AuthorizerResultTtlInSeconds", Number),
            text("AuthorizerType").required(),
            text("AuthorizerUri"),
            prop("EnableSimpleResponses", Flag),
            prop("IdentitySource", Texts),
            text("IdentityValidationExpression"),
            prop("JwtConfiguration", Object(JWT)),
            text("Name").required(),
        ],
        attributes: &[("AuthorizerId", "/authorizerId")],
        is_unique: true,
    },
    Kind {
        name: "AWS::ApiGatewayV2::Deployment",
        noun: "deployment",
        collection: "/v2/apis/{ApiId}/deployments",
        id: "deploymentId",
        label: "Description",
        properties: &[API_ID, text("Description"), text("StageName")],
        attributes: &[("DeploymentId", "/deploymentId")],
        is_unique: false,
    },
    Kind {
        name: "AWS::ApiGatewayV2::Stage",
        noun: "stage",
        collection: "/v2/apis/{ApiId}/stages",
        id: "stageName",
        label: "StageName",
        properties: &[
            prop("AccessLogSettings", Object(ACCESS_LOG)),
            API_ID,
            prop("AutoDeploy", Flag),
            text("ClientCertificateId"),
            prop("DefaultRouteSettings", Object(ROUTE_SETTINGS)),
            text("DeploymentId"),
            text("Description"),
            prop("RouteSettings", ObjectMap(ROUTE_SETTINGS)),
            text("StageName").required().replaces(),
            prop("StageVariables", TextMap),
            prop("Tags", TextMap),
        ],
        attributes: &[],
        is_unique: true,
    },
    Kind {
        name: "AWS::ApiGatewayV2::DomainName",
        noun: "domain name",
        collection: "/v2/domainnames",
        id: "domainName",
        label: "DomainName",
        properties: &[
            text("DomainName").required().replaces(),
            prop("DomainNameConfigurations", Objects(DOMAIN_CONFIGURATION)),
            prop("MutualTlsAuthentication", Object(MUTUAL_TLS)),
            text("RoutingMode"),
            prop("Tags", TextMap),
        ],
        attributes: &[
            ("DomainNameArn", "/domainNameArn"),
            ("RegionalDomainName", "/domainNameConfigurations/0/apiGatewayDomainName"),
            ("RegionalHostedZoneId", "/domainNameConfigurations/0/hostedZoneId"),
        ],
        is_unique: true,
    },
    Kind {
        name: "AWS::ApiGatewayV2::ApiMapping",
        noun: "API mapping",
        collection: "/v2/domainnames/{DomainName}/apimappings",
        id: "apiMappingId",
        label: "ApiMappingKey",
        properties: &[
            text("ApiId").required(),
            text("ApiMappingKey"),
            text("DomainName").required().replaces(),
            text("Stage").required(),
        ],
        attributes: &[("ApiMappingId", "/apiMappingId")],
        is_unique: true,
    },
    Kind {
        name: "AWS::ApiGatewayV2::VpcLink",
        noun: "VPC link (v2)",
        collection: "/v2/vpclinks",
        id: "vpcLinkId",
        label: "Name",
        properties: &[
            text("Name").required(),
            prop("SecurityGroupIds", Texts).replaces(),
            prop("SubnetIds", Texts).required().replaces(),
            prop("Tags", TextMap),
        ],
        attributes: &[("VpcLinkId", "/vpcLinkId")],
        is_unique: false,
    },
    Kind {
        name: "AWS::ApiGateway::VpcLink",
        noun: "VPC link",
        collection: "/vpclinks",
        id: "id",
        label: "Name",
        properties: &[
            text("Description"),
            text("Name").required(),
            prop("Tags", TagList),
            prop("TargetArns", Texts).required().replaces(),
        ],
        attributes: &[("VpcLinkId", "/id")],
        is_unique: false,
    },
    Kind {
        name: "AWS::ApiGateway::ApiKey",
        noun: "API key",
        collection: "/apikeys",
        id: "id",
        label: "Name",
        properties: &[
            text("CustomerId"),
            text("Description"),
            prop("Enabled", Flag),
            prop("GenerateDistinctId", Flag).replaces(),
            text("Name").replaces(),
            prop("StageKeys", Objects(STAGE_KEY)),
            prop("Tags", TagList),
            text("Value").replaces(),
        ],
        attributes: &[("APIKeyId", "/id")],
        is_unique: false,
    },
    Kind {
        name: "AWS::ApiGateway::UsagePlan",
        noun: "usage plan",
        collection: "/usageplans",
        id: "id",
        label: "UsagePlanName",
        properties: &[
            prop("ApiStages", Objects(API_STAGE)),
            text("Description"),
            prop("Quota", Object(QUOTA)),
            prop("Tags", TagList),
            prop("Throttle", Object(THROTTLE)),
            text("UsagePlanName").called("name"),
        ],
        attributes: &[("Id", "/id")],
        is_unique: false,
    },
    Kind {
        name: "AWS::ApiGateway::UsagePlanKey",
        noun: "key of a usage plan",
        collection: "/usageplans/{UsagePlanId}/keys",
        id: "id",
        label: "KeyId",
        properties: &[
            text("KeyId").required().replaces(),
            text("KeyType").required().replaces(),
            text("UsagePlanId").required().replaces(),
        ],
        attributes: &[("Id", "/id")],
        is_unique: true,
    },
    Kind {
        name: "AWS::ApiGateway::ClientCertificate",
        noun: "client certificate",
        collection: "/clientcertificates",
        id: "clientCertificateId",
        label: "Description",
        properties: &[text("Description"), prop("Tags", TagList)],
        attributes: &[("ClientCertificateId", "/clientCertificateId")],
        is_unique: false,
    },
    Kind {
        name: "AWS::ApiGateway::Account",
        noun: "account settings",
        collection: "/account",
        id: "",
        label: "CloudWatchRoleArn",
        properties: &[text("CloudWatchRoleArn").called("cloudwatchRoleArn")],
        attributes: &[("Id", "")],
        is_unique: false,
    },
];
