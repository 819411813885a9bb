//! What Amazon resource names say: of the place, region and account; and which function they name.

use std::fmt;

/// Where this gateway pretends to be: the region and account that ARNs and events name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// AWS region, such as `us-east-1`.
    pub region: String,
    /// Account id, 12 digits.
    pub account_id: String,
}

/// A Lambda function, or one version of it, as a definition names it: checked, stage variables in place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Function {
    /// `aws`, `aws-cn`, `aws-us-gov` …
    pub partition: String,
    /// Its region; that of the integration's URI where the function is named without one.
    pub region: String,
    /// The account it belongs to; empty where it is named without one.
    pub account_id: String,
    /// Its name: letters, digits, `-` and `_`.
    pub name: String,
    /// The alias or version, such as `live`, `7` or `$LATEST`; `None`: whatever is newest.
    pub qualifier: Option<String>,
}

impl Function {
    /// The address that AWS's execution log names for its invocation. Source: observed on REST APIs.
    pub fn url(&self) -> String {
        let domain = domain(&self.partition);
        format!("https://lambda.{}.{domain}/2015-03-31/functions/{self}/invocations", self.region)
    }
}

/// Its ARN; where no account is known, its name, and the qualifier with either.
impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Function { partition, region, account_id, name, qualifier } = self;
        match account_id.as_str() {
            "" => f.write_str(name)?,
            _ => write!(f, "arn:{partition}:lambda:{region}:{account_id}:function:{name}")?,
        }
        qualifier.iter().try_for_each(|qualifier| write!(f, ":{qualifier}"))
    }
}

/// The domain that a partition's services are below. Source: documented ("AWS service endpoints").
pub fn domain(partition: &str) -> &'static str {
    match partition {
        "aws-cn" => "amazonaws.com.cn",
        _ => "amazonaws.com",
    }
}
