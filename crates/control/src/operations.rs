//! Every operation of the control plane: one row each. A test compares the rows with AWS's API model.

use crate::crud::{self, Answer, Call, Resource};
use crate::error;
use crate::handlers::api_mappings::API_MAPPING;
use crate::handlers::apis::{self, API};
use crate::handlers::authorizers::AUTHORIZER;
use crate::handlers::deployments::{self, DEPLOYMENT};
use crate::handlers::domain_names::DOMAIN_NAME;
use crate::handlers::integrations::INTEGRATION;
use crate::handlers::model_template;
use crate::handlers::models::MODEL;
use crate::handlers::responses::{INTEGRATION_RESPONSE, ROUTE_RESPONSE};
use crate::handlers::routes::{self, ROUTE};
use crate::handlers::stages::{self, STAGE};
use crate::handlers::tags;
use crate::handlers::v1::api_keys::{self, API_KEY};
use crate::handlers::v1::client_certificates::{self, CLIENT_CERTIFICATE};
use crate::handlers::v1::plan_keys::{self, PLAN_KEY};
use crate::handlers::v1::usage_plans::{self, USAGE_PLAN};
use crate::handlers::v1::{self, account, api_key_import, usage};
use crate::handlers::vpc_links::{self, VPC_LINK};
use crate::transaction::Transaction;

use Action::{Create, Delete, Get, HttpOnly, List, OutOfScope, Read, Update, Write, WriteRaw};

/// A row: an operation of the `apigatewayv2` model, or of the v1 model where the path does not begin with `/v2/`.
pub(crate) struct Operation {
    /// AWS's name.
    pub(crate) name: &'static str,
    pub(crate) method: &'static str,
    /// The path, with parameters in braces; `?name=value` must be in the query.
    pub(crate) path: &'static str,
    /// The status of success.
    pub(crate) success: u16,
    pub(crate) action: Action,
}

/// What an operation does.
#[derive(Clone, Copy)]
pub(crate) enum Action {
    Create(&'static Resource),
    Get(&'static Resource),
    List(&'static Resource),
    Update(&'static Resource),
    Delete(&'static Resource),
    /// Something else that changes nothing.
    Read(fn(&Call, &mut Transaction) -> Answer),
    /// Something else that may change something.
    Write(fn(&Call, &mut Transaction) -> Answer),
    /// WebSocket APIs do not have it; the word is what AWS's text says they do not have.
    HttpOnly(&'static str),
    /// As [`Action::Write`], of a body that is no JSON.
    WriteRaw(fn(&Call, &mut Transaction) -> Answer),
    /// AWS has it for what Gatewright is not about; the text says what that is.
    OutOfScope(&'static str),
}

impl Operation {
    /// Whether it may change something.
    pub(crate) fn writes(&self) -> bool {
        matches!(self.action, Create(_) | Update(_) | Delete(_) | Write(_) | WriteRaw(_))
    }

    /// Does it.
    pub(crate) fn run(&self, call: &Call, tx: &mut Transaction) -> Answer {
        match self.action {
            Create(resource) => crud::create(resource, call, tx),
            Get(resource) => crud::get(resource, call, tx),
            List(resource) => crud::list(resource, call, tx),
            Update(resource) => crud::update(resource, call, tx),
            Delete(resource) => crud::delete(resource, call, tx),
            Read(handler) | Write(handler) | WriteRaw(handler) => handler(call, tx),
            HttpOnly(subject) => apis::http_only(subject, call, tx),
            OutOfScope(why) => Err(error::out_of_scope(self.name, why)),
        }
    }
}

/// Makes the resource of an update what it would be if it were created with the call's body.
///
/// # Errors
/// As its creation; or the operation is no update.
pub(crate) fn reset(update: &Operation, call: &Call, tx: &mut Transaction) -> Answer {
    let of_same = |row: &&Operation| row.path == update.path;
    let resource = OPERATIONS.iter().filter(of_same).find_map(|row| match row.action {
        Get(resource) | Delete(resource) => Some(resource),
        _ => None,
    });
    match resource {
        Some(resource) if std::ptr::eq(resource, &STAGE) => stages::reset(call, tx),
        Some(resource) => crud::reset(resource, call, tx),
        None => update.run(call, tx),
    }
}

/// Why there are no portals. Source: documented (they publish the documentation of REST APIs).
const PORTALS: &str = "developer portals document REST APIs, and this gateway serves WebSocket APIs";

/// Why there are no routing rules. Source: documented (their targets are REST APIs).
const ROUTING_RULES: &str = "routing rules lead to REST APIs, and this gateway serves WebSocket APIs; use API mappings";

const fn row(name: &'static str, method: &'static str, path: &'static str, success: u16, action: Action) -> Operation {
    Operation { name, method, path, success, action }
}

/// All operations: v2 by path, then the part of v1 that WebSocket APIs need. The first that fits a request is taken.
#[rustfmt::skip]
pub(crate) static OPERATIONS: &[Operation] = &[
    row("CreateApi", "POST", "/v2/apis", 201, Write(apis::create)),
    row("GetApis", "GET", "/v2/apis", 200, List(&API)),
    row("ImportApi", "PUT", "/v2/apis", 201, HttpOnly("Imports")),
    row("GetApi", "GET", "/v2/apis/{apiId}", 200, Get(&API)),
    row("UpdateApi", "PATCH", "/v2/apis/{apiId}", 200, Update(&API)),
    row("ReimportApi", "PUT", "/v2/apis/{apiId}", 201, HttpOnly("Imports")),
    row("DeleteApi", "DELETE", "/v2/apis/{apiId}", 204, Delete(&API)),
    row("CreateAuthorizer", "POST", "/v2/apis/{apiId}/authorizers", 201, Create(&AUTHORIZER)),
    row("GetAuthorizers", "GET", "/v2/apis/{apiId}/authorizers", 200, List(&AUTHORIZER)),
    row("GetAuthorizer", "GET", "/v2/apis/{apiId}/authorizers/{authorizerId}", 200, Get(&AUTHORIZER)),
    row("UpdateAuthorizer", "PATCH", "/v2/apis/{apiId}/authorizers/{authorizerId}", 200, Update(&AUTHORIZER)),
    row("DeleteAuthorizer", "DELETE", "/v2/apis/{apiId}/authorizers/{authorizerId}", 204, Delete(&AUTHORIZER)),
    row("DeleteCorsConfiguration", "DELETE", "/v2/apis/{apiId}/cors", 204, HttpOnly("CorsConfigurations")),
    row("CreateDeployment", "POST", "/v2/apis/{apiId}/deployments", 201, Write(deployments::create)),
    row("GetDeployments", "GET", "/v2/apis/{apiId}/deployments", 200, List(&DEPLOYMENT)),
    row("GetDeployment", "GET", "/v2/apis/{apiId}/deployments/{deploymentId}", 200, Get(&DEPLOYMENT)),
    row("UpdateDeployment", "PATCH", "/v2/apis/{apiId}/deployments/{deploymentId}", 200, Update(&DEPLOYMENT)),
    row("DeleteDeployment", "DELETE", "/v2/apis/{apiId}/deployments/{deploymentId}", 204, Delete(&DEPLOYMENT)),
    row("ExportApi", "GET", "/v2/apis/{apiId}/exports/{specification}", 200, HttpOnly("Exports")),
    row("CreateIntegration", "POST", "/v2/apis/{apiId}/integrations", 201, Create(&INTEGRATION)),
    row("GetIntegrations", "GET", "/v2/apis/{apiId}/integrations", 200, List(&INTEGRATION)),
    row("GetIntegration", "GET", "/v2/apis/{apiId}/integrations/{integrationId}", 200, Get(&INTEGRATION)),
    row("UpdateIntegration", "PATCH", "/v2/apis/{apiId}/integrations/{integrationId}", 200, Update(&INTEGRATION)),
    row("DeleteIntegration", "DELETE", "/v2/apis/{apiId}/integrations/{integrationId}", 204, Delete(&INTEGRATION)),
    row("CreateIntegrationResponse", "POST", "/v2/apis/{apiId}/integrations/{integrationId}/integrationresponses", 201, Create(&INTEGRATION_RESPONSE)),
    row("GetIntegrationResponses", "GET", "/v2/apis/{apiId}/integrations/{integrationId}/integrationresponses", 200, List(&INTEGRATION_RESPONSE)),
    row("GetIntegrationResponse", "GET", "/v2/apis/{apiId}/integrations/{integrationId}/integrationresponses/{integrationResponseId}", 200, Get(&INTEGRATION_RESPONSE)),
    row("UpdateIntegrationResponse", "PATCH", "/v2/apis/{apiId}/integrations/{integrationId}/integrationresponses/{integrationResponseId}", 200, Update(&INTEGRATION_RESPONSE)),
    row("DeleteIntegrationResponse", "DELETE", "/v2/apis/{apiId}/integrations/{integrationId}/integrationresponses/{integrationResponseId}", 204, Delete(&INTEGRATION_RESPONSE)),
    row("CreateModel", "POST", "/v2/apis/{apiId}/models", 201, Create(&MODEL)),
    row("GetModels", "GET", "/v2/apis/{apiId}/models", 200, List(&MODEL)),
    row("GetModel", "GET", "/v2/apis/{apiId}/models/{modelId}", 200, Get(&MODEL)),
    row("UpdateModel", "PATCH", "/v2/apis/{apiId}/models/{modelId}", 200, Update(&MODEL)),
    row("DeleteModel", "DELETE", "/v2/apis/{apiId}/models/{modelId}", 204, Delete(&MODEL)),
    row("GetModelTemplate", "GET", "/v2/apis/{apiId}/models/{modelId}/template", 200, Read(model_template::get)),
    row("CreateRoute", "POST", "/v2/apis/{apiId}/routes", 201, Create(&ROUTE)),
    row("GetRoutes", "GET", "/v2/apis/{apiId}/routes", 200, List(&ROUTE)),
    row("GetRoute", "GET", "/v2/apis/{apiId}/routes/{routeId}", 200, Get(&ROUTE)),
    row("UpdateRoute", "PATCH", "/v2/apis/{apiId}/routes/{routeId}", 200, Update(&ROUTE)),
    row("DeleteRoute", "DELETE", "/v2/apis/{apiId}/routes/{routeId}", 204, Delete(&ROUTE)),
    row("DeleteRouteRequestParameter", "DELETE", "/v2/apis/{apiId}/routes/{routeId}/requestparameters/{requestParameterKey}", 204, Write(routes::delete_request_parameter)),
    row("CreateRouteResponse", "POST", "/v2/apis/{apiId}/routes/{routeId}/routeresponses", 201, Create(&ROUTE_RESPONSE)),
    row("GetRouteResponses", "GET", "/v2/apis/{apiId}/routes/{routeId}/routeresponses", 200, List(&ROUTE_RESPONSE)),
    row("GetRouteResponse", "GET", "/v2/apis/{apiId}/routes/{routeId}/routeresponses/{routeResponseId}", 200, Get(&ROUTE_RESPONSE)),
    row("UpdateRouteResponse", "PATCH", "/v2/apis/{apiId}/routes/{routeId}/routeresponses/{routeResponseId}", 200, Update(&ROUTE_RESPONSE)),
    row("DeleteRouteResponse", "DELETE", "/v2/apis/{apiId}/routes/{routeId}/routeresponses/{routeResponseId}", 204, Delete(&ROUTE_RESPONSE)),
    row("CreateStage", "POST", "/v2/apis/{apiId}/stages", 201, Write(stages::create)),
    row("GetStages", "GET", "/v2/apis/{apiId}/stages", 200, List(&STAGE)),
    row("GetStage", "GET", "/v2/apis/{apiId}/stages/{stageName}", 200, Get(&STAGE)),
    row("UpdateStage", "PATCH", "/v2/apis/{apiId}/stages/{stageName}", 200, Write(stages::update)),
    row("DeleteStage", "DELETE", "/v2/apis/{apiId}/stages/{stageName}", 204, Write(stages::delete)),
    row("DeleteAccessLogSettings", "DELETE", "/v2/apis/{apiId}/stages/{stageName}/accesslogsettings", 204, Write(stages::delete_access_log_settings)),
    row("ResetAuthorizersCache", "DELETE", "/v2/apis/{apiId}/stages/{stageName}/cache/authorizers", 204, HttpOnly("AuthorizersCaches")),
    row("DeleteRouteSettings", "DELETE", "/v2/apis/{apiId}/stages/{stageName}/routesettings/{routeKey}", 204, Write(stages::delete_route_settings)),
    row("TagResource", "POST", "/v2/tags/{resource-arn}", 201, Write(tags::tag)),
    row("GetTags", "GET", "/v2/tags/{resource-arn}", 200, Read(tags::get)),
    row("UntagResource", "DELETE", "/v2/tags/{resource-arn}", 204, Write(tags::untag)),
    row("CreateDomainName", "POST", "/v2/domainnames", 201, Create(&DOMAIN_NAME)),
    row("GetDomainNames", "GET", "/v2/domainnames", 200, List(&DOMAIN_NAME)),
    row("GetDomainName", "GET", "/v2/domainnames/{domainName}", 200, Get(&DOMAIN_NAME)),
    row("UpdateDomainName", "PATCH", "/v2/domainnames/{domainName}", 200, Update(&DOMAIN_NAME)),
    row("DeleteDomainName", "DELETE", "/v2/domainnames/{domainName}", 204, Delete(&DOMAIN_NAME)),
    row("CreateApiMapping", "POST", "/v2/domainnames/{domainName}/apimappings", 201, Create(&API_MAPPING)),
    row("GetApiMappings", "GET", "/v2/domainnames/{domainName}/apimappings", 200, List(&API_MAPPING)),
    row("GetApiMapping", "GET", "/v2/domainnames/{domainName}/apimappings/{apiMappingId}", 200, Get(&API_MAPPING)),
    row("UpdateApiMapping", "PATCH", "/v2/domainnames/{domainName}/apimappings/{apiMappingId}", 200, Update(&API_MAPPING)),
    row("DeleteApiMapping", "DELETE", "/v2/domainnames/{domainName}/apimappings/{apiMappingId}", 204, Delete(&API_MAPPING)),
    row("CreateRoutingRule", "POST", "/v2/domainnames/{domainName}/routingrules", 201, OutOfScope(ROUTING_RULES)),
    row("ListRoutingRules", "GET", "/v2/domainnames/{domainName}/routingrules", 200, OutOfScope(ROUTING_RULES)),
    row("GetRoutingRule", "GET", "/v2/domainnames/{domainName}/routingrules/{routingRuleId}", 200, OutOfScope(ROUTING_RULES)),
    row("PutRoutingRule", "PUT", "/v2/domainnames/{domainName}/routingrules/{routingRuleId}", 200, OutOfScope(ROUTING_RULES)),
    row("DeleteRoutingRule", "DELETE", "/v2/domainnames/{domainName}/routingrules/{routingRuleId}", 204, OutOfScope(ROUTING_RULES)),
    row("CreateVpcLink", "POST", "/v2/vpclinks", 201, Write(vpc_links::create)),
    row("GetVpcLinks", "GET", "/v2/vpclinks", 200, List(&VPC_LINK)),
    row("GetVpcLink", "GET", "/v2/vpclinks/{vpcLinkId}", 200, Get(&VPC_LINK)),
    row("UpdateVpcLink", "PATCH", "/v2/vpclinks/{vpcLinkId}", 200, Update(&VPC_LINK)),
    row("DeleteVpcLink", "DELETE", "/v2/vpclinks/{vpcLinkId}", 202, Delete(&VPC_LINK)),
    row("CreatePortalProduct", "POST", "/v2/portalproducts", 201, OutOfScope(PORTALS)),
    row("ListPortalProducts", "GET", "/v2/portalproducts", 200, OutOfScope(PORTALS)),
    row("GetPortalProduct", "GET", "/v2/portalproducts/{portalProductId}", 200, OutOfScope(PORTALS)),
    row("UpdatePortalProduct", "PATCH", "/v2/portalproducts/{portalProductId}", 200, OutOfScope(PORTALS)),
    row("DeletePortalProduct", "DELETE", "/v2/portalproducts/{portalProductId}", 204, OutOfScope(PORTALS)),
    row("CreateProductPage", "POST", "/v2/portalproducts/{portalProductId}/productpages", 201, OutOfScope(PORTALS)),
    row("ListProductPages", "GET", "/v2/portalproducts/{portalProductId}/productpages", 200, OutOfScope(PORTALS)),
    row("GetProductPage", "GET", "/v2/portalproducts/{portalProductId}/productpages/{productPageId}", 200, OutOfScope(PORTALS)),
    row("UpdateProductPage", "PATCH", "/v2/portalproducts/{portalProductId}/productpages/{productPageId}", 200, OutOfScope(PORTALS)),
    row("DeleteProductPage", "DELETE", "/v2/portalproducts/{portalProductId}/productpages/{productPageId}", 204, OutOfScope(PORTALS)),
    row("CreateProductRestEndpointPage", "POST", "/v2/portalproducts/{portalProductId}/productrestendpointpages", 201, OutOfScope(PORTALS)),
    row("ListProductRestEndpointPages", "GET", "/v2/portalproducts/{portalProductId}/productrestendpointpages", 200, OutOfScope(PORTALS)),
    row("GetProductRestEndpointPage", "GET", "/v2/portalproducts/{portalProductId}/productrestendpointpages/{productRestEndpointPageId}", 200, OutOfScope(PORTALS)),
    row("UpdateProductRestEndpointPage", "PATCH", "/v2/portalproducts/{portalProductId}/productrestendpointpages/{productRestEndpointPageId}", 200, OutOfScope(PORTALS)),
    row("DeleteProductRestEndpointPage", "DELETE", "/v2/portalproducts/{portalProductId}/productrestendpointpages/{productRestEndpointPageId}", 204, OutOfScope(PORTALS)),
    row("GetPortalProductSharingPolicy", "GET", "/v2/portalproducts/{portalProductId}/sharingpolicy", 200, OutOfScope(PORTALS)),
    row("PutPortalProductSharingPolicy", "PUT", "/v2/portalproducts/{portalProductId}/sharingpolicy", 200, OutOfScope(PORTALS)),
    row("DeletePortalProductSharingPolicy", "DELETE", "/v2/portalproducts/{portalProductId}/sharingpolicy", 204, OutOfScope(PORTALS)),
    row("CreatePortal", "POST", "/v2/portals", 201, OutOfScope(PORTALS)),
    row("ListPortals", "GET", "/v2/portals", 200, OutOfScope(PORTALS)),
    row("GetPortal", "GET", "/v2/portals/{portalId}", 200, OutOfScope(PORTALS)),
    row("UpdatePortal", "PATCH", "/v2/portals/{portalId}", 200, OutOfScope(PORTALS)),
    row("DeletePortal", "DELETE", "/v2/portals/{portalId}", 204, OutOfScope(PORTALS)),
    row("PreviewPortal", "POST", "/v2/portals/{portalId}/preview", 202, OutOfScope(PORTALS)),
    row("PublishPortal", "POST", "/v2/portals/{portalId}/publish", 202, OutOfScope(PORTALS)),
    row("DisablePortal", "DELETE", "/v2/portals/{portalId}/publish", 204, OutOfScope(PORTALS)),

    row("ImportApiKeys", "POST", "/apikeys?mode=import", 201, WriteRaw(api_key_import::import)),
    row("CreateApiKey", "POST", "/apikeys", 201, Write(api_keys::create)),
    row("CreateDomainName", "POST", "/domainnames", 201, Write(v1::domain_names::create)),
    row("CreateUsagePlan", "POST", "/usageplans", 201, Create(&USAGE_PLAN)),
    row("CreateUsagePlanKey", "POST", "/usageplans/{usageplanId}/keys", 201, Write(plan_keys::create)),
    row("CreateVpcLink", "POST", "/vpclinks", 202, Write(v1::vpc_links::create)),
    row("DeleteApiKey", "DELETE", "/apikeys/{api_Key}", 202, Delete(&API_KEY)),
    row("DeleteClientCertificate", "DELETE", "/clientcertificates/{clientcertificate_id}", 202, Delete(&CLIENT_CERTIFICATE)),
    row("DeleteDomainName", "DELETE", "/domainnames/{domain_name}", 202, Delete(&DOMAIN_NAME)),
    row("DeleteUsagePlan", "DELETE", "/usageplans/{usageplanId}", 202, Delete(&USAGE_PLAN)),
    row("DeleteUsagePlanKey", "DELETE", "/usageplans/{usageplanId}/keys/{keyId}", 202, Delete(&PLAN_KEY)),
    row("DeleteVpcLink", "DELETE", "/vpclinks/{vpclink_id}", 202, Delete(&v1::vpc_links::VPC_LINK)),
    row("GenerateClientCertificate", "POST", "/clientcertificates", 201, Create(&CLIENT_CERTIFICATE)),
    row("GetAccount", "GET", "/account", 200, Read(account::get)),
    row("GetApiKey", "GET", "/apikeys/{api_Key}", 200, Read(api_keys::get)),
    row("GetApiKeys", "GET", "/apikeys", 200, Read(api_keys::list)),
    row("GetClientCertificate", "GET", "/clientcertificates/{clientcertificate_id}", 200, Get(&CLIENT_CERTIFICATE)),
    row("GetClientCertificates", "GET", "/clientcertificates", 200, List(&CLIENT_CERTIFICATE)),
    row("GetDomainName", "GET", "/domainnames/{domain_name}", 200, Read(v1::domain_names::get)),
    row("GetDomainNames", "GET", "/domainnames", 200, Read(v1::domain_names::list)),
    row("GetTags", "GET", "/tags/{resource_arn}", 200, Read(tags::get)),
    row("GetUsage", "GET", "/usageplans/{usageplanId}/usage", 200, Read(usage::get)),
    row("GetUsagePlan", "GET", "/usageplans/{usageplanId}", 200, Get(&USAGE_PLAN)),
    row("GetUsagePlanKey", "GET", "/usageplans/{usageplanId}/keys/{keyId}", 200, Read(plan_keys::get)),
    row("GetUsagePlanKeys", "GET", "/usageplans/{usageplanId}/keys", 200, Read(plan_keys::list)),
    row("GetUsagePlans", "GET", "/usageplans", 200, Read(usage_plans::list)),
    row("GetVpcLink", "GET", "/vpclinks/{vpclink_id}", 200, Get(&v1::vpc_links::VPC_LINK)),
    row("GetVpcLinks", "GET", "/vpclinks", 200, Read(v1::vpc_links::list)),
    row("TagResource", "PUT", "/tags/{resource_arn}", 204, Write(tags::tag_v1)),
    row("UntagResource", "DELETE", "/tags/{resource_arn}", 204, Write(tags::untag)),
    row("UpdateAccount", "PATCH", "/account", 200, Write(account::update)),
    row("UpdateApiKey", "PATCH", "/apikeys/{api_Key}", 200, Write(api_keys::update)),
    row("UpdateClientCertificate", "PATCH", "/clientcertificates/{clientcertificate_id}", 200, Write(client_certificates::update)),
    row("UpdateDomainName", "PATCH", "/domainnames/{domain_name}", 200, Write(v1::domain_names::update)),
    row("UpdateUsage", "PATCH", "/usageplans/{usageplanId}/keys/{keyId}/usage", 200, Write(usage::update)),
    row("UpdateUsagePlan", "PATCH", "/usageplans/{usageplanId}", 200, Write(usage_plans::update)),
    row("UpdateVpcLink", "PATCH", "/vpclinks/{vpclink_id}", 200, Write(v1::vpc_links::update)),
];

/// Every kind of resource that is stored.
pub(crate) fn resources() -> impl Iterator<Item = &'static Resource> {
    let of_rows = OPERATIONS.iter().filter_map(|row| match row.action {
        Delete(resource) => Some(resource),
        _ => None,
    });
    // The one kind whose deletion is its own.
    of_rows.chain([&STAGE])
}

#[cfg(test)]
mod tests;
