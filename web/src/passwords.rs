//! Passwords: argon2id, a few at a time so that memory stays bounded, off the threads that answer requests.

use std::sync::Arc;

use argon2::password_hash::SaltString;
use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::secret;

/// OWASP's figures for argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Passwords worked on at once: 38 MiB at most.
const AT_ONCE_MAX: usize = 2;
/// Requests that wait for their turn; more are refused.
const WAITING_MAX: usize = 32;
/// Stands in for the hash of an account that does not exist: no password fits it, and finding that out
/// takes as long as for a real one.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$d2F0Y2hmaXJlbm9ib2R5IQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes and checks passwords.
pub struct Passwords {
    waiting: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

/// Too many passwords are being checked; ask again in a moment.
#[derive(Debug)]
pub struct Busy;

impl Default for Passwords {
    fn default() -> Passwords {
        Passwords {
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
            turns: Arc::new(Semaphore::new(AT_ONCE_MAX)),
        }
    }
}

impl Passwords {
    /// The PHC string of a password.
    pub async fn hash(&self, password: &str) -> Result<String, Busy> {
        let password = password.to_owned();
        self.work(move || {
            let salt = SaltString::encode_b64(&secret::salt()).expect("16 bytes are a salt");
            let hashed = argon2id().hash_password(password.as_bytes(), &salt);
            hashed.expect("a bounded password can be hashed").to_string()
        })
        .await
    }

    /// Whether the password fits. Takes the same time where there is no such account (`phc` is None).
    pub async fn fits(&self, password: &str, phc: Option<&str>) -> Result<bool, Busy> {
        let exists = phc.is_some();
        let phc = phc.unwrap_or(NOBODY).to_owned();
        let password = password.to_owned();
        let fits = self.work(move || match PasswordHash::new(&phc) {
            Ok(hash) => argon2id().verify_password(password.as_bytes(), &hash).is_ok(),
            Err(error) => {
                tracing::error!(%error, "a stored password hash cannot be read");
                false
            }
        });
        Ok(fits.await? && exists)
    }

    /// A request that is given up keeps its turn until its work ends, so memory stays bounded.
    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let waiting = self.waiting.clone().try_acquire_owned().map_err(|_| Busy)?;
        let turn = self.turns.clone().acquire_owned().await.map_err(|_| Busy)?;
        let held: [OwnedSemaphorePermit; 2] = [waiting, turn];
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(held);
            result
        });
        done.await.map_err(|error| {
            tracing::error!(%error, "checking a password failed");
            Busy
        })
    }
}

fn argon2id() -> Argon2<'static> {
    let params =
        Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the figures are within argon2's limits");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_same_password_fits() {
        let passwords = Passwords::default();
        let phc = passwords.hash("correct horse").await.unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert!(passwords.fits("correct horse", Some(&phc)).await.unwrap());
        assert!(!passwords.fits("correct horsf", Some(&phc)).await.unwrap());
        assert!(!passwords.fits("correct horse", None).await.unwrap());
        assert!(!passwords.fits("correct horse", Some("not a hash")).await.unwrap());
        assert_ne!(phc, passwords.hash("correct horse").await.unwrap());
    }

    #[test]
    fn nobody_has_a_hash_that_takes_as_long_as_a_real_one() {
        let nobody = PasswordHash::new(NOBODY).unwrap();
        let params = Params::try_from(&nobody).unwrap();
        assert_eq!((params.m_cost(), params.t_cost(), params.p_cost()), (MEMORY_KIB, PASSES, LANES));
        assert_eq!(nobody.hash.unwrap().len(), 32);
    }

    #[tokio::test]
    async fn past_the_longest_queue_is_busy() {
        let passwords = Passwords::default();
        let _all = passwords.waiting.clone().try_acquire_many_owned(WAITING_MAX as u32).unwrap();
        assert!(passwords.fits("x", None).await.is_err());
    }
}
