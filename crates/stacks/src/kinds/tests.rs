use super::*;

/// The registry's schemas (`corpus/models/cloudformation`).
fn schema(kind: &str) -> Option<Json> {
    let file =
        format!("{}/../../corpus/models/cloudformation/{}.json", env!("CARGO_MANIFEST_DIR"), kind.replace("::", "-"));
    serde_json::from_str(&std::fs::read_to_string(file).ok()?).ok()
}

#[test]
fn every_type_has_the_properties_of_its_schema() {
    for kind in TABLE {
        let schema = schema(kind.name).unwrap_or_else(|| panic!("{} has no schema", kind.name));
        let listed = |member: &str| -> Vec<String> {
            let names = schema[member].as_array().into_iter().flatten().filter_map(Json::as_str);
            names.map(|name| name.rsplit('/').next().unwrap_or_default().to_owned()).collect()
        };
        let (read_only, create_only) = (listed("readOnlyProperties"), listed("createOnlyProperties"));
        let wanted = schema["properties"].as_object().unwrap().keys().filter(|name| !read_only.contains(name));
        let mut wanted: Vec<&str> = wanted.map(String::as_str).collect();
        let mut there: Vec<&str> = kind.properties.iter().map(|property| property.name).collect();
        wanted.sort_unstable();
        there.sort_unstable();
        assert_eq!(there, wanted, "{}", kind.name);
        for property in kind.properties {
            assert_eq!(
                property.replaces,
                create_only.iter().any(|name| name == property.name),
                "{} {}",
                kind.name,
                property.name
            );
            let is_required = listed("required").iter().any(|name| name == property.name);
            assert_eq!(property.is_required, is_required, "{} {}", kind.name, property.name);
            let model = &schema["properties"][property.name];
            let of_type = |name: &str| {
                model["type"] == name || model["type"].as_array().is_some_and(|all| all.iter().any(|one| one == name))
            };
            match property.shape {
                Shape::Flag => assert!(of_type("boolean"), "{} {}", kind.name, property.name),
                Shape::Number => assert!(of_type("integer") || of_type("number"), "{} {}", kind.name, property.name),
                Shape::Text => assert!(of_type("string"), "{} {}", kind.name, property.name),
                Shape::Texts | Shape::Objects(_) | Shape::TagList => {
                    assert!(of_type("array"), "{} {}", kind.name, property.name)
                }
                Shape::TextMap | Shape::Document | Shape::ObjectMap(_) => {
                    assert!(of_type("object") || model.get("$ref").is_some(), "{} {}", kind.name, property.name);
                }
                Shape::Object(members) => {
                    let definition = model["$ref"].as_str().and_then(|name| name.rsplit('/').next()).unwrap();
                    let mut wanted: Vec<&str> = schema["definitions"][definition]["properties"]
                        .as_object()
                        .unwrap()
                        .keys()
                        .map(String::as_str)
                        .collect();
                    let mut there: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
                    wanted.sort_unstable();
                    there.sort_unstable();
                    assert_eq!(there, wanted, "{} {}", kind.name, property.name);
                }
                Shape::Unused => {}
            }
        }
        let attributes: Vec<String> = read_only.into_iter().filter(|name| name != "ExecuteApiArn").collect();
        let there: Vec<&str> = kind.attributes.iter().map(|(name, _)| *name).collect();
        assert!(
            attributes.iter().all(|name| there.contains(&name.as_str())),
            "{}: {attributes:?} {there:?}",
            kind.name
        );
    }
}
