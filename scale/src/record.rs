//! A decision as it is logged: a line of JSON each, with all that it looked at.

use model::Millis;
use serde::{Deserialize, Serialize};

use crate::decision::Decision;
use crate::fleet::Instance;
use crate::inputs::Inputs;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub at: Millis,
    #[serde(flatten)]
    pub decision: Decision,
    pub inputs: Inputs,
    pub fleet: Vec<Instance>,
}

impl Record {
    pub fn line(&self) -> String {
        let mut line = serde_json::to_string(self).expect("a record has no keys but texts");
        line.push('\n');
        line
    }

    pub fn read(line: &str) -> Option<Record> {
        serde_json::from_str(line).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::{Act, Reason};
    use crate::fleet::Stage;

    #[test]
    fn a_line_is_read_back_as_it_was() {
        let fleet = vec![Instance {
            id: "a".into(),
            since: Millis(1),
            stage: Stage::Serving,
            spot: true,
            noticed: false,
        }];
        let decision = Decision {
            act: Act::Drain { ids: vec!["a".into()] },
            reason: Reason::Fewer,
            needed: 2,
            would_do: 3,
        };
        let inputs = Inputs { hits_rate: Some(0.1), ..Default::default() };
        let record = Record { at: Millis(60_000), decision, inputs, fleet };
        let line = record.line();
        assert!(line.ends_with("}\n") && line.contains(r#""reason":"fewer""#), "{line}");
        assert_eq!(Record::read(&line), Some(record));
        assert_eq!(Record::read("{}"), None);
    }
}
