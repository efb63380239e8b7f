//! What is asked of Redis: a script or a command, with the keys it goes by.

use redis::Cmd;
use redis::cluster_routing::Slot;

use super::scripts::Script;

pub struct Call {
    script: Option<Script>,
    head: Vec<Vec<u8>>,
}

impl Call {
    pub fn script(script: &Script, keys: &[String]) -> Call {
        let mut head = vec![keys.len().to_string().into_bytes()];
        head.extend(keys.iter().map(|key| key.clone().into_bytes()));
        Call { script: Some(script.clone()), head }
    }

    /// A plain command. Its key, where it has any, is the second word.
    pub fn plain(words: &[&str]) -> Call {
        Call { script: None, head: words.iter().map(|word| word.as_bytes().to_vec()).collect() }
    }

    pub fn arg(&mut self, arg: impl Into<Vec<u8>>) -> &mut Call {
        self.head.push(arg.into());
        self
    }

    /// Of its keys, which have one.
    pub fn slot(&self) -> Slot {
        Slot::for_key(self.head.get(1).map_or(&[][..], Vec::as_slice))
    }

    /// `is_known`: a script by its name alone.
    pub fn command(&self, is_known: bool) -> Cmd {
        let mut cmd = Cmd::new();
        match &self.script {
            Some(script) if is_known => cmd.arg("EVALSHA").arg(&script.hash),
            Some(script) => cmd.arg("EVAL").arg(script.code),
            None => &mut cmd,
        };
        self.head.iter().for_each(|word| {
            cmd.arg(word.as_slice());
        });
        cmd
    }
}
