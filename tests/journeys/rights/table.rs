//! The rights table: who is served at every route.

/// Who asks. Everybody but the owner of the other site has to do with the site in question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Stranger,
    Viewer,
    Admin,
    Owner,
    Operator,
    OtherOwner,
}
pub use Who::{Admin, Operator, OtherOwner, Owner, Stranger, Viewer};

pub const EVERYBODY: [Who; 6] = [Stranger, Viewer, Admin, Owner, Operator, OtherOwner];
pub const SIGNED_IN: [Who; 5] = [Viewer, Admin, Owner, Operator, OtherOwner];
pub const SEES: [Who; 4] = [Viewer, Admin, Owner, Operator];
pub const EDITS: [Who; 3] = [Admin, Owner, Operator];
pub const OWNS: [Who; 2] = [Owner, Operator];
pub const INSTALLS: [Who; 1] = [Operator];

/// Method, path, and who is served. `{account}`, `{invitation}`, `{share}` and `{saved}` are of the site and made anew for each who
/// asks; `{token}` is the operator's. `{secret}` routes are served to whoever knows the secret: asked here
/// with a wrong one, they are served to nobody.
pub const TABLE: &[(&str, &str, &[Who])] = &[
    ("GET", "/", &SIGNED_IN),
    ("GET", "/setup/{secret}", &[]),
    ("POST", "/setup/{secret}", &[]),
    ("GET", "/sign-in", &EVERYBODY),
    ("POST", "/sign-in", &EVERYBODY),
    ("POST", "/sign-out", &EVERYBODY),
    ("GET", "/account", &SIGNED_IN),
    ("POST", "/account", &SIGNED_IN),
    ("POST", "/account/password", &SIGNED_IN),
    ("POST", "/account/sign-out-everywhere", &SIGNED_IN),
    ("GET", "/account/tokens", &SIGNED_IN),
    ("POST", "/account/tokens", &SIGNED_IN),
    ("POST", "/account/tokens/{token}/revoke", &INSTALLS),
    ("GET", "/sites/new", &INSTALLS),
    ("POST", "/sites/new", &INSTALLS),
    ("GET", "/sites/{site}", &SEES),
    ("GET", "/sites/{site}/reports", &SEES),
    ("GET", "/sites/{site}/corrections", &EDITS),
    ("POST", "/sites/{site}/corrections", &EDITS),
    // A goal is no correction.
    ("POST", "/sites/{site}/corrections/{saved}/undo", &[]),
    ("GET", "/sites/{site}/profiles", &SEES),
    // Nobody is called nothing, and no such visitor was here: see what the table of the pages says.
    ("GET", "/sites/{site}/profiles/person", &[]),
    ("POST", "/sites/{site}/profiles/erase", &[]),
    ("GET", "/sites/{site}/visitors/{visitor}", &[]),
    ("POST", "/sites/{site}/visitors/{visitor}/erase", &[]),
    ("GET", "/sites/{site}/tag", &EDITS),
    ("GET", "/sites/{site}/settings", &EDITS),
    ("POST", "/sites/{site}/settings", &EDITS),
    ("POST", "/sites/{site}/delete", &OWNS),
    ("GET", "/sites/{site}/people", &EDITS),
    ("POST", "/sites/{site}/people/{account}/role", &EDITS),
    ("POST", "/sites/{site}/people/{account}/remove", &EDITS),
    ("POST", "/sites/{site}/invitations", &EDITS),
    ("POST", "/sites/{site}/invitations/{invitation}/withdraw", &EDITS),
    ("POST", "/sites/{site}/shares", &EDITS),
    ("POST", "/sites/{site}/shares/{share}/revoke", &EDITS),
    ("GET", "/invitation/{secret}", &[]),
    ("POST", "/invitation/{secret}", &[]),
    ("POST", "/invitation/{secret}/new", &[]),
    ("GET", "/share/{secret}", &[]),
    ("GET", "/share/{secret}/reports", &[]),
    ("GET", "/api/watchfire/sites", &SIGNED_IN),
    ("POST", "/api/watchfire/sites", &INSTALLS),
    ("GET", "/api/watchfire/sites/{site}", &SEES),
    ("POST", "/api/watchfire/sites/{site}/reports", &SEES),
    ("GET", "/api/watchfire/sites/{site}/reports/export", &SEES),
    ("GET", "/api/watchfire/sites/{site}/properties", &SEES),
    ("GET", "/api/watchfire/sites/{site}/saved", &SEES),
    ("POST", "/api/watchfire/sites/{site}/saved", &EDITS),
    ("POST", "/api/watchfire/sites/{site}/saved/{saved}", &EDITS),
    ("POST", "/api/watchfire/sites/{site}/saved/{saved}/remove", &EDITS),
    ("GET", "/api/watchfire/sites/{site}/corrections", &EDITS),
    ("POST", "/api/watchfire/sites/{site}/corrections", &EDITS),
    ("POST", "/api/watchfire/sites/{site}/corrections/{saved}/undo", &[]),
    ("GET", "/api/watchfire/sites/{site}/profiles", &SEES),
    ("GET", "/api/watchfire/sites/{site}/profiles/person", &[]),
    ("POST", "/api/watchfire/sites/{site}/profiles/erase", &EDITS),
    ("GET", "/api/watchfire/sites/{site}/visitors/{visitor}", &[]),
    ("POST", "/api/watchfire/sites/{site}/visitors/{visitor}/erase", &EDITS),
    // Of a room that is not there.
    ("GET", "/api/watchfire/rooms/{room}/hooks", &[]),
    ("POST", "/api/watchfire/rooms/{room}/hooks", &[]),
    ("POST", "/api/watchfire/rooms/{room}/hooks/{hook}/remove", &[]),
    ("POST", "/hooks/{secret}", &[]),
    ("GET", "/demo", &SIGNED_IN),
    ("GET", "/demo/demo.css", &EVERYBODY),
    ("GET", "/demo/{site}", &EVERYBODY),
    ("GET", "/demo/{site}/", &EVERYBODY),
    ("GET", "/demo/{site}/teas", &EVERYBODY),
    ("GET", "/demo/{site}/teas/assam", &EVERYBODY),
    ("GET", "/demo/{site}/cart", &EVERYBODY),
    ("GET", "/demo/{site}/about", &EVERYBODY),
    ("GET", "/demo/{site}/price-list.txt", &EVERYBODY),
    ("GET", "/assets/{file}", &[]),
    ("GET", "/favicon.svg", &EVERYBODY),
    ("GET", "/robots.txt", &EVERYBODY),
    // The hub, the collector, the server itself: found in their sources.
    ("GET", "/api/watchfire/live", &[]),
    ("GET", "/api/watchfire/live/events", &SEES),
    ("GET", "/api/watchfire/live/now", &SEES),
    ("POST", "/v1/hits", &EVERYBODY),
    ("GET", "/v1/p.gif", &EVERYBODY),
    ("GET", "/v1/wf.js", &EVERYBODY),
    ("GET", "/wf.js", &EVERYBODY),
    ("GET", "/healthz", &EVERYBODY),
    ("GET", "/readyz", &EVERYBODY),
];
