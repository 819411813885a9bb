//! Resources that other services have: what `Ref` and `Fn::GetAtt` give, so that what refers to them has usable texts.

use crate::scope::Pseudo;

/// A resource that nobody makes here.
pub(crate) struct Elsewhere {
    /// What `Ref` gives.
    pub(crate) reference: String,
    /// What `Fn::GetAtt` gives for `Arn`.
    pub(crate) arn: String,
}

/// What `Ref` gives: the name, the ARN, or something else of these parts.
enum Gives {
    Name,
    Arn,
    QueueUrl,
}

/// Types whose texts people use: the service of the ARN, the property that is the name, how the ARN ends (`*` is the name),
/// and what `Ref` gives. Source: documented ("Return values" of each).
const KNOWN: &[(&str, &str, &str, &str, Gives)] = &[
    ("AWS::DynamoDB::Table", "dynamodb", "TableName", "table/*", Gives::Name),
    ("AWS::DynamoDB::GlobalTable", "dynamodb", "TableName", "table/*", Gives::Name),
    ("AWS::Events::EventBus", "events", "Name", "event-bus/*", Gives::Name),
    ("AWS::IAM::ManagedPolicy", "iam", "ManagedPolicyName", "policy/*", Gives::Arn),
    ("AWS::IAM::Role", "iam", "RoleName", "role/*", Gives::Name),
    ("AWS::IAM::User", "iam", "UserName", "user/*", Gives::Name),
    ("AWS::Kinesis::Stream", "kinesis", "Name", "stream/*", Gives::Name),
    ("AWS::KinesisFirehose::DeliveryStream", "firehose", "DeliveryStreamName", "deliverystream/*", Gives::Name),
    ("AWS::Lambda::Function", "lambda", "FunctionName", "function:*", Gives::Name),
    ("AWS::Lambda::LayerVersion", "lambda", "LayerName", "layer:*:1", Gives::Arn),
    ("AWS::Logs::LogGroup", "logs", "LogGroupName", "log-group:*:*", Gives::Name),
    ("AWS::S3::Bucket", "s3", "BucketName", "*", Gives::Name),
    ("AWS::SNS::Topic", "sns", "TopicName", "*", Gives::Arn),
    ("AWS::SQS::Queue", "sqs", "QueueName", "*", Gives::QueueUrl),
    ("AWS::Serverless::SimpleTable", "dynamodb", "TableName", "table/*", Gives::Name),
    ("AWS::Serverless::StateMachine", "states", "Name", "stateMachine:*", Gives::Arn),
    ("AWS::StepFunctions::StateMachine", "states", "StateMachineName", "stateMachine:*", Gives::Arn),
];

/// The property that names a resource of a type.
pub(crate) fn name_property(kind: &str) -> Option<&'static str> {
    KNOWN.iter().find(|row| row.0 == kind).map(|row| row.2)
}

/// What a resource of a type is called. `name` is what its name's property says, if it does. Stable: the same stack gives the
/// same texts.
pub(crate) fn elsewhere(kind: &str, logical: &str, name: Option<&str>, pseudo: &Pseudo) -> Elsewhere {
    let Pseudo { partition, region, account, stack_name, url_suffix, .. } = pseudo;
    let name = name.map_or_else(|| format!("{stack_name}-{logical}"), str::to_owned);
    let Some((_, service, _, form, gives)) = KNOWN.iter().find(|row| row.0 == kind) else {
        let service = kind.split("::").nth(1).unwrap_or("custom").to_ascii_lowercase();
        let arn = format!("arn:{partition}:{service}:{region}:{account}:{name}");
        return Elsewhere { reference: name, arn };
    };
    let arn = match *service {
        "iam" => format!("arn:{partition}:iam::{account}:"),
        "s3" => format!("arn:{partition}:s3:::"),
        service => format!("arn:{partition}:{service}:{region}:{account}:"),
    };
    // A log group's ARN ends in a star of its own.
    let arn = arn + &form.replacen('*', &name, 1);
    let reference = match gives {
        Gives::Name => name,
        Gives::Arn => arn.clone(),
        Gives::QueueUrl => format!("https://sqs.{region}.{url_suffix}/{account}/{name}"),
    };
    Elsewhere { reference, arn }
}
