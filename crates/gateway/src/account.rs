//! Puts in force what belongs to no single API: keys and plans, domain names, VPC links, client certificates.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use integration::LinkSettings;
use mapping::Note;
use types::account::{Account, VpcLink};

use crate::gateway::Gateway;
use crate::stages::Published;

impl Gateway {
    /// Comes before the stages: one that asks for a key must not be open before its keys are known.
    ///
    /// Gives what cannot be used, a sentence each.
    pub(crate) fn publish_account(&self, account: &Arc<Account>) -> Vec<String> {
        self.usage.publish(account, self.wall_clock());
        self.integrations.set_links(links(&self.vpc_links, account));
        let certificates = account.client_certificates.iter().map(|(id, certificate)| {
            (id.as_str(), certificate.certificate_pem.as_str(), certificate.private_key_pem.as_str())
        });
        let unusable = self.integrations.set_client_certificates(certificates);
        self.account.store(account.clone());
        unusable.err().unwrap_or_default()
    }

    /// Adds a remark for each route whose VPC link leads nowhere, and for those that call what is nowhere.
    pub(crate) fn remark_on_targets(&self, published: &mut Published) {
        for (key, notes) in &mut published.notes {
            let Some(plan) = self.stages.enter(key) else { continue };
            let lost = plan.links().filter(|(link, _)| !self.integrations.has_link(link));
            let note = |(link, route_key): (&str, &str)| Note::LinkWithoutAddress {
                route_key: route_key.to_owned(),
                link: link.to_owned(),
            };
            notes.extend(lost.map(note));
            let sorted = |routes: &mut dyn Iterator<Item = &str>| {
                let mut routes: Vec<_> = routes.map(str::to_owned).collect();
                routes.sort_unstable();
                // An authorizer's function is its route's, too.
                routes.dedup();
                Some(routes).filter(|routes| !routes.is_empty())
            };
            let functions = plan.functions().filter(|(function, _)| !self.integrations.has_function(function));
            let routes = sorted(&mut functions.map(|(_, route)| route));
            notes.extend(routes.map(|routes| Note::FunctionsNowhere { routes }));
            let services = plan.services().filter(|(service, _)| !self.integrations.has_service(service));
            let routes = sorted(&mut services.map(|(_, route)| route));
            notes.extend(routes.map(|routes| Note::ServicesNowhere { routes }));
            let lacking = plan.authorizers().filter_map(|authorizer| {
                let detail = self.authorizer.as_ref()?.lacks(authorizer)?;
                Some(Note::Broken { what: format!("authorizer {} ({})", authorizer.name, authorizer.id), detail })
            });
            notes.extend(lacking);
        }
    }
}

/// Where each link leads: what the settings say of its id, its name or its target; else its targets themselves where
/// they are hosts and ports. A link of the settings is there also without one in the control plane.
fn links(settings: &BTreeMap<String, LinkSettings>, account: &Account) -> HashMap<String, LinkSettings> {
    let mut links: HashMap<_, _> = settings.iter().map(|(id, link)| (id.clone(), link.clone())).collect();
    for (id, link) in &account.vpc_links {
        let mut names = [id, &link.name].into_iter().chain(&link.target_arns);
        let leads = names.find_map(|name| settings.get(name)).cloned().or_else(|| own_targets(link));
        links.extend(leads.map(|leads| (id.clone(), leads)));
    }
    links
}

fn own_targets(link: &VpcLink) -> Option<LinkSettings> {
    let target = |text: &String| {
        let (host, port) = text.rsplit_once(':')?;
        let is_host = !host.is_empty() && !text.starts_with("arn:");
        is_host.then_some((host.to_owned(), port.parse().ok()?))
    };
    let targets = link.target_arns.iter().map(target).collect::<Option<Vec<_>>>()?;
    (!targets.is_empty()).then(|| LinkSettings::of(targets))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_where_its_id_name_or_target_is_set_to_lead_or_where_its_targets_are() {
        let to = |port| LinkSettings::of(vec![("127.0.0.1".to_owned(), port)]);
        let settings = [("id1", 1), ("orders", 2), ("arn:aws:elasticloadbalancing:x:net/a", 3), ("free", 4)];
        let settings: BTreeMap<_, _> = settings.iter().map(|(name, port)| ((*name).to_owned(), to(*port))).collect();
        let link = |name: &str, target: &str| VpcLink { name: name.into(), target_arns: vec![target.into()] };
        let vpc_links = [
            ("id1", link("a", "arn:x")),
            ("id2", link("orders", "arn:x")),
            ("id3", link("c", "arn:aws:elasticloadbalancing:x:net/a")),
            ("id4", link("d", "127.0.0.1:5")),
            ("id5", link("e", "arn:aws:elasticloadbalancing:us-east-1:000000000000:6")),
        ];
        let vpc_links = vpc_links.into_iter().map(|(id, link)| (id.to_owned(), link)).collect();
        let links = links(&settings, &Account { vpc_links, ..Account::default() });
        let port = |id: &str| links.get(id).map(|link| link.targets[0].1);
        let found = ["id1", "id2", "id3", "id4", "id5", "free", "orders"].map(port);
        assert_eq!(found, [Some(1), Some(2), Some(3), Some(5), None, Some(4), Some(2)]);
    }
}
