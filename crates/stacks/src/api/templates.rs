//! Templates as they are told: `GetTemplate`, `ValidateTemplate` and `GetTemplateSummary`.

use super::capabilities::{Needed, transforms};
use super::checked::Checked;
use super::error::{Error, constraint};
use super::form::Form;
use super::xml::Xml;
use crate::node::Node;
use crate::parameters::{HIDDEN, Parameter};

/// A template as it was written, or after its transforms.
///
/// # Errors
/// There is no such stage.
pub fn get(xml: &mut Xml, text: &str, checked: Option<&Checked>, form: &Form) -> Result<(), Error> {
    let is_processed = match form.text("TemplateStage") {
        None | Some("Original") => false,
        Some("Processed") => true,
        Some(other) => {
            return Err(constraint(
                other,
                "templateStage",
                "Member must satisfy enum value set: [Original, Processed]",
            ));
        }
    };
    match checked.filter(|checked| is_processed && checked.document.get("Transform").is_some()) {
        Some(checked) => xml.text("TemplateBody", &checked.expanded.to_json().to_string()),
        None => xml.text("TemplateBody", text),
    }
    xml.texts("StagesAvailable", ["Original", "Processed"]);
    Ok(())
}

fn default(parameter: &Parameter) -> Option<&str> {
    let default = parameter.default.as_ref().and_then(Node::as_str);
    default.map(|text| if parameter.no_echo { HIDDEN } else { text })
}

/// What a template that is right asks for.
pub fn validated(xml: &mut Xml, checked: &Checked) {
    let Checked { template, document, .. } = checked;
    xml.list("Parameters", &template.parameters, |xml, (name, parameter)| {
        xml.text("ParameterKey", name);
        default(parameter).iter().for_each(|default| xml.text("DefaultValue", default));
        xml.flag("NoEcho", parameter.no_echo);
        xml.some("Description", parameter.description.as_deref().unwrap_or_default());
    });
    xml.some("Description", template.description.as_deref().unwrap_or_default());
    Needed::of(template, document).write(xml);
    xml.texts("DeclaredTransforms", transforms(document));
}

/// A template in short.
pub fn summary(xml: &mut Xml, checked: &Checked) {
    let Checked { template, document, .. } = checked;
    xml.list("Parameters", &template.parameters, |xml, (name, parameter)| {
        xml.text("ParameterKey", name);
        default(parameter).iter().for_each(|default| xml.text("DefaultValue", default));
        xml.text("ParameterType", &parameter.kind);
        xml.flag("NoEcho", parameter.no_echo);
        xml.some("Description", parameter.description.as_deref().unwrap_or_default());
        xml.within("ParameterConstraints", |xml| {
            if !parameter.allowed_values.is_empty() {
                xml.texts("AllowedValues", &parameter.allowed_values);
            }
        });
    });
    xml.some("Description", template.description.as_deref().unwrap_or_default());
    Needed::of(template, document).write(xml);
    let mut kinds: Vec<_> = template.resources.values().map(|resource| resource.kind.as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    xml.texts("ResourceTypes", kinds);
    xml.some("Version", document.get("AWSTemplateFormatVersion").and_then(Node::as_str).unwrap_or_default());
    let metadata = document.get("Metadata");
    metadata.iter().for_each(|metadata| xml.text("Metadata", &metadata.to_json().to_string()));
    xml.texts("DeclaredTransforms", transforms(document));
}
