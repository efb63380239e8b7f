//! A link that ends somebody's mail, for whoever has the letter: its secret is made of an installation's key and whom it is for, so that nothing of it is kept.

use model::AccountId;
use store::Store;
use store::salts::NEVER;

/// Makes such secrets and knows them.
#[derive(Clone)]
pub struct Off([u8; 32]);

impl Off {
    pub async fn of(store: &Store) -> anyhow::Result<Off> {
        Ok(Off(store.salts.salt("mail", NEVER).await?))
    }

    /// As it stands in an address.
    pub fn secret(&self, account: AccountId) -> String {
        format!("{account}.{}", self.hash(account).to_hex())
    }

    /// Whose it is. None: nobody's.
    pub fn account(&self, secret: &str) -> Option<AccountId> {
        let (account, hash) = secret.split_once('.')?;
        let account = account.parse().ok()?;
        // Comparing hashes takes the same time whatever they are.
        (blake3::Hash::from_hex(hash).ok()? == self.hash(account)).then_some(account)
    }

    fn hash(&self, account: AccountId) -> blake3::Hash {
        blake3::keyed_hash(&self.0, account.to_string().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_of_one_account_and_one_installation() {
        let (here, elsewhere) = (Off([1; 32]), Off([2; 32]));
        let secret = here.secret(AccountId::of(7));
        assert_eq!(here.account(&secret), Some(AccountId::of(7)));
        assert_eq!(elsewhere.account(&secret), None);
        let of_another = secret.replace(&AccountId::of(7).to_string(), &AccountId::of(8).to_string());
        for bad in
            [of_another.as_str(), "", ".", &secret[..secret.len() - 1], &format!("{secret}0"), "AC-00000007."]
        {
            assert_eq!(here.account(bad), None, "{bad}");
        }
    }
}
