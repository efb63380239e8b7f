//! The table of contents: every route, what it needs, and who answers it.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodFilter, MethodRouter, on};
use model::Action::{
    Converse, DeleteSite, EditSite, ManagePeople, SeeLive, SeeProfiles, SeeReports, SeeSettings,
};

pub use crate::guard::Needs;
use crate::guard::Needs::{Anybody, Nothing, Operator, Person, Room, Secret, SignedIn, Site};
use crate::{
    Web, account, alerts_api, alerts_page, api, assets, availability, chat_page, chat_panel, commits_api,
    corrections, customers, demo, erase, error, figures_page, finish, guard, headers, hooks, inbox,
    inbox_page, invitation, letters, live_page, overview, people, pipeline, profiles, reports_page,
};
use crate::{reports, rooms, saved, set_up, share, sign_in, sites, status, tag, tokens};

/// One line of the table.
pub struct RouteInfo {
    /// `GET` (and with it HEAD) or `POST`.
    pub method: &'static str,
    /// As axum writes it: `{site}` stands for one segment.
    pub path: &'static str,
    pub needs: Needs,
    handler: fn() -> MethodRouter<Arc<Web>>,
}

macro_rules! table {
    ($($method:ident $path:literal $needs:expr => $handler:path;)*) => {
        &[$(RouteInfo {
            method: stringify!($method),
            path: $path,
            needs: $needs,
            handler: || on(MethodFilter::$method, $handler),
        }),*]
    };
}

/// Every route of the pages, the API among them. What is not here is answered 404.
pub const ROUTES: &[RouteInfo] = table! {
    GET "/" Anybody => overview::show;
    GET "/setup/{secret}" Secret => set_up::show;
    POST "/setup/{secret}" Secret => set_up::submit;

    GET "/sign-in" Anybody => sign_in::show;
    POST "/sign-in" Nothing => sign_in::submit;
    POST "/sign-out" Nothing => sign_in::leave;
    GET "/account" SignedIn => account::show;
    POST "/account" SignedIn => account::change;
    POST "/account/password" SignedIn => account::change_password;
    POST "/account/sign-out-everywhere" SignedIn => account::sign_out_everywhere;
    GET "/account/tokens" SignedIn => tokens::show;
    POST "/account/tokens" SignedIn => tokens::mint;
    POST "/account/tokens/{token}/revoke" SignedIn => tokens::revoke;

    GET "/status" Nothing => status::show;
    GET "/api/watchfire/status" Nothing => status::get;

    GET "/admin" Operator => pipeline::show;
    GET "/api/watchfire/pipeline" Operator => pipeline::get;

    GET "/sites/new" Operator => sites::new;
    POST "/sites/new" Operator => sites::add;
    GET "/sites/{site}" Site(SeeLive) => live_page::show;
    GET "/sites/{site}/reports" Site(SeeReports) => reports_page::show;
    GET "/sites/{site}/availability" Site(SeeReports) => availability::show;
    POST "/sites/{site}/availability" Site(EditSite) => availability::submit;
    POST "/sites/{site}/availability/{page}/remove" Site(EditSite) => availability::submit_removal;
    GET "/sites/{site}/corrections" Site(SeeSettings) => corrections::show;
    POST "/sites/{site}/corrections" Site(EditSite) => corrections::submit;
    POST "/sites/{site}/corrections/{saved}/undo" Site(EditSite) => corrections::submit_back;
    GET "/sites/{site}/profiles" Site(SeeProfiles) => profiles::show;
    GET "/sites/{site}/profiles/person" Site(SeeProfiles) => profiles::show_person;
    POST "/sites/{site}/profiles/erase" Site(EditSite) => profiles::erase_person;
    GET "/sites/{site}/visitors/{visitor}" Site(SeeProfiles) => profiles::show_visitor;
    POST "/sites/{site}/visitors/{visitor}/erase" Site(EditSite) => profiles::erase_visitor;
    GET "/sites/{site}/tag" Site(SeeSettings) => tag::show;
    GET "/sites/{site}/settings" Site(SeeSettings) => sites::settings;
    POST "/sites/{site}/settings" Site(EditSite) => sites::change;
    GET "/sites/{site}/inbox" Site(Converse) => inbox_page::show;
    GET "/sites/{site}/inbox/figures" Site(Converse) => figures_page::show;
    GET "/sites/{site}/inbox/{room}" Site(Converse) => inbox_page::show_one;
    GET "/sites/{site}/chat" Site(EditSite) => chat_page::show;
    POST "/sites/{site}/chat" Site(EditSite) => chat_page::change;
    POST "/sites/{site}/chat/rules" Site(EditSite) => chat_page::rule;
    GET "/sites/{site}/alerts" Site(SeeProfiles) => alerts_page::show;
    POST "/sites/{site}/alerts" Site(EditSite) => alerts_page::submit;
    POST "/sites/{site}/alerts/{alert}/mine" Site(SeeProfiles) => alerts_page::tell_me;
    POST "/sites/{site}/delete" Site(DeleteSite) => sites::delete;

    GET "/sites/{site}/people" Site(ManagePeople) => people::show;
    POST "/sites/{site}/people/{account}/role" Site(ManagePeople) => people::change_role;
    POST "/sites/{site}/people/{account}/remove" Site(ManagePeople) => people::remove;
    POST "/sites/{site}/invitations" Site(ManagePeople) => people::invite;
    POST "/sites/{site}/invitations/{invitation}/withdraw" Site(ManagePeople) => people::withdraw;
    POST "/sites/{site}/shares" Site(ManagePeople) => people::share;
    POST "/sites/{site}/shares/{share}/revoke" Site(ManagePeople) => people::unshare;
    GET "/invitation/{secret}" Secret => invitation::show;
    POST "/invitation/{secret}" Secret => invitation::accept;
    POST "/invitation/{secret}/new" Secret => invitation::accept_as_new;
    GET "/share/{secret}" Secret => share::show;
    GET "/share/{secret}/reports" Secret => reports_page::show_shared;

    GET "/api/watchfire/sites" SignedIn => api::list;
    POST "/api/watchfire/sites" Operator => api::add;
    GET "/api/watchfire/sites/{site}" Site(SeeLive) => api::site;
    POST "/api/watchfire/sites/{site}/reports" Site(SeeReports) => reports::post;
    GET "/api/watchfire/sites/{site}/reports/export" Site(SeeReports) => reports::file;
    GET "/api/watchfire/sites/{site}/properties" Site(SeeLive) => reports::properties::list;
    GET "/api/watchfire/sites/{site}/saved" Site(SeeLive) => saved::list;
    GET "/api/watchfire/sites/{site}/alerts" Site(SeeProfiles) => alerts_api::list;
    POST "/api/watchfire/sites/{site}/alerts" Site(EditSite) => alerts_api::add;
    POST "/api/watchfire/sites/{site}/alerts/{alert}" Site(EditSite) => alerts_api::change;
    POST "/api/watchfire/sites/{site}/alerts/{alert}/remove" Site(EditSite) => alerts_api::remove;
    GET "/api/watchfire/sites/{site}/commits" Site(SeeLive) => commits_api::list;
    POST "/api/watchfire/sites/{site}/saved" Site(EditSite) => saved::add;
    POST "/api/watchfire/sites/{site}/saved/{saved}" Site(EditSite) => saved::change;
    POST "/api/watchfire/sites/{site}/saved/{saved}/remove" Site(EditSite) => saved::remove;
    GET "/api/watchfire/sites/{site}/availability" Site(SeeReports) => availability::list;
    POST "/api/watchfire/sites/{site}/availability" Site(EditSite) => availability::add;
    POST "/api/watchfire/sites/{site}/availability/{page}/remove" Site(EditSite) => availability::remove;
    GET "/api/watchfire/sites/{site}/corrections" Site(SeeSettings) => corrections::list;
    POST "/api/watchfire/sites/{site}/corrections" Site(EditSite) => corrections::add;
    POST "/api/watchfire/sites/{site}/corrections/{saved}/undo" Site(EditSite) => corrections::undo;
    GET "/api/watchfire/sites/{site}/profiles" Site(SeeProfiles) => profiles::list;
    GET "/api/watchfire/sites/{site}/profiles/person" Site(SeeProfiles) => profiles::person;
    POST "/api/watchfire/sites/{site}/profiles/erase" Site(EditSite) => profiles::erase;
    GET "/api/watchfire/sites/{site}/visitors/{visitor}" Site(SeeProfiles) => profiles::visitor;
    POST "/api/watchfire/sites/{site}/visitors/{visitor}/erase" Site(EditSite) => erase::submit;

    GET "/chat.js" Nothing => assets::chat;
    GET "/chat/{site}" Nothing => chat_panel::show;
    GET "/api/watchfire/chat/{site}" Nothing => customers::settings;
    GET "/api/watchfire/chat/{site}/call" Nothing => customers::calls::show;
    POST "/api/watchfire/chat/{site}/call" Nothing => customers::calls::see;
    POST "/api/watchfire/chat/{site}/conversations" Nothing => customers::open;
    GET "/api/watchfire/chat/{site}/conversations/mine" Person => customers::mine;
    POST "/api/watchfire/chat/{site}/conversations/mine" Person => customers::tell;
    GET "/api/watchfire/sites/{site}/conversations" Site(Converse) => inbox::list;
    POST "/api/watchfire/sites/{site}/conversations" Site(Converse) => inbox::call;
    GET "/api/watchfire/sites/{site}/conversations/{room}" Site(Converse) => inbox::one;
    POST "/api/watchfire/sites/{site}/conversations/{room}" Site(Converse) => inbox::change;
    GET "/api/watchfire/sites/{site}/figures" Site(Converse) => figures_page::list;
    GET "/api/watchfire/sites/{site}/canned" Site(Converse) => inbox::canned;
    POST "/api/watchfire/sites/{site}/canned" Site(Converse) => inbox::add_canned;
    POST "/api/watchfire/sites/{site}/canned/{saved}/remove" Site(Converse) => inbox::remove_canned;

    GET "/join/{secret}" Secret => rooms::knock;
    POST "/join/{secret}" Secret => rooms::come_in;

    GET "/rooms" Person => rooms::pages::list;
    POST "/rooms" Person => rooms::pages::add;
    GET "/releases" Person => rooms::pages::all_releases;
    GET "/rooms/search" Person => rooms::pages::show_search;
    GET "/rooms/stars" Person => rooms::pages::show_stars;
    GET "/rooms/notifications" Person => rooms::pages::notifications;
    POST "/rooms/notifications" Person => rooms::pages::notify;
    POST "/rooms/notifications/browser" SignedIn => rooms::pages::submit_browser;
    POST "/rooms/notifications/mail" SignedIn => rooms::pages::submit_mail;
    GET "/mail/off/{secret}" Secret => rooms::pages::ask_off;
    POST "/mail/off/{secret}" Secret => rooms::pages::turn_off;
    POST "/mail/{secret}" Secret => letters::take;
    GET "/rooms/bots" Operator => rooms::pages::show_bots;
    POST "/rooms/bots" Operator => rooms::pages::submit_bots;
    GET "/rooms/bots/{bot}" Operator => rooms::bot_hooks::show;
    POST "/rooms/bots/{bot}" Operator => rooms::bot_hooks::submit;
    GET "/rooms/{room}" Room => rooms::pages::show;
    POST "/rooms/{room}" Room => rooms::pages::submit;
    GET "/rooms/{room}/settings" Room => rooms::pages::settings;
    POST "/rooms/{room}/settings" Room => rooms::pages::change;
    GET "/rooms/{room}/days/{day}" Room => rooms::pages::show_day;
    GET "/rooms/{room}/decisions" Room => rooms::pages::show_decisions;
    GET "/rooms/{room}/hooks" Room => rooms::pages::hooks;
    POST "/rooms/{room}/hooks" Room => rooms::pages::change_hooks;
    GET "/rooms/{room}/releases" Room => rooms::pages::releases;
    GET "/rooms/{room}/messages/{number}/history" Room => rooms::pages::show_history;
    GET "/rooms/{room}/files/{file}/{name}" Room => rooms::file;
    GET "/rooms/{room}/messages/{number}" Room => rooms::pages::to_message;
    GET "/rooms/{room}/messages/{number}/conversation" Room => rooms::pages::to_conversation;

    GET "/api/watchfire/rooms" Person => rooms::all;
    POST "/api/watchfire/rooms" Person => rooms::open;
    POST "/api/watchfire/rooms/direct" Person => rooms::direct;
    GET "/api/watchfire/rooms/search" Person => rooms::search;
    GET "/api/watchfire/rooms/stars" Person => rooms::stars;
    GET "/api/watchfire/rooms/bots" Operator => rooms::bots;
    POST "/api/watchfire/rooms/bots" Operator => rooms::add_bot;
    POST "/api/watchfire/rooms/bots/{bot}/remove" Operator => rooms::remove_bot;
    GET "/api/watchfire/rooms/bots/{bot}/hook" Operator => rooms::bot_hooks::get;
    POST "/api/watchfire/rooms/bots/{bot}/hook" Operator => rooms::bot_hooks::put;
    POST "/api/watchfire/rooms/bots/{bot}/hook/secret" Operator => rooms::bot_hooks::renew;
    POST "/api/watchfire/rooms/bots/{bot}/hook/remove" Operator => rooms::bot_hooks::remove;
    GET "/api/watchfire/rooms/{room}" Room => rooms::show;
    POST "/api/watchfire/rooms/{room}" Room => rooms::change;
    POST "/api/watchfire/rooms/{room}/demolish" Room => rooms::demolish;
    POST "/api/watchfire/rooms/{room}/enter" Room => rooms::enter;
    POST "/api/watchfire/rooms/{room}/leave" Room => rooms::leave;
    POST "/api/watchfire/rooms/{room}/read" Room => rooms::read;
    POST "/api/watchfire/rooms/{room}/notify" Room => rooms::notify;
    POST "/api/watchfire/rooms/{room}/doing" Room => rooms::doing;
    POST "/api/watchfire/rooms/{room}/screen" Room => rooms::signal;
    GET "/api/watchfire/rooms/{room}/members" Room => rooms::people;
    POST "/api/watchfire/rooms/{room}/members" Room => rooms::bring;
    POST "/api/watchfire/rooms/{room}/members/{who}/kick" Room => rooms::kick;
    POST "/api/watchfire/rooms/{room}/members/{who}/ban" Room => rooms::ban;
    POST "/api/watchfire/rooms/{room}/members/{who}/unban" Room => rooms::unban;
    POST "/api/watchfire/rooms/{room}/members/{who}/role" Room => rooms::set_role;
    GET "/api/watchfire/rooms/{room}/bans" Room => rooms::bans;
    GET "/api/watchfire/rooms/{room}/link" Room => rooms::link;
    POST "/api/watchfire/rooms/{room}/link" Room => rooms::set_link;
    POST "/api/watchfire/rooms/{room}/link/remove" Room => rooms::remove_link;
    POST "/api/watchfire/rooms/{room}/files" Room => rooms::send_file;
    GET "/api/watchfire/rooms/{room}/files/{file}/{name}" Room => rooms::file;
    GET "/api/watchfire/rooms/{room}/messages" Room => rooms::page;
    POST "/api/watchfire/rooms/{room}/messages" Room => rooms::post;
    GET "/api/watchfire/rooms/{room}/messages/{number}" Room => rooms::message;
    POST "/api/watchfire/rooms/{room}/messages/{number}/edit" Room => rooms::edit;
    POST "/api/watchfire/rooms/{room}/messages/{number}/remove" Room => rooms::remove;
    POST "/api/watchfire/rooms/{room}/messages/{number}/react" Room => rooms::react;
    POST "/api/watchfire/rooms/{room}/messages/{number}/unreact" Room => rooms::unreact;
    POST "/api/watchfire/rooms/{room}/messages/{number}/decide" Room => rooms::decide;
    POST "/api/watchfire/rooms/{room}/messages/{number}/undecide" Room => rooms::undecide;
    POST "/api/watchfire/rooms/{room}/messages/{number}/close" Room => rooms::close;
    POST "/api/watchfire/rooms/{room}/messages/{number}/reopen" Room => rooms::reopen;
    POST "/api/watchfire/rooms/{room}/messages/{number}/star" Room => rooms::star;
    POST "/api/watchfire/rooms/{room}/messages/{number}/unstar" Room => rooms::unstar;
    GET "/api/watchfire/rooms/{room}/messages/{number}/thread" Room => rooms::thread;
    GET "/api/watchfire/rooms/{room}/messages/{number}/history" Room => rooms::history;
    GET "/api/watchfire/rooms/{room}/changes" Room => rooms::changes;
    GET "/api/watchfire/rooms/{room}/days/{day}" Room => rooms::day;
    GET "/api/watchfire/rooms/{room}/decisions" Room => rooms::decisions;
    GET "/api/watchfire/rooms/{room}/export" Room => rooms::export;
    GET "/api/watchfire/rooms/{room}/releases" Room => rooms::releases;
    POST "/api/watchfire/rooms/{room}/releases/forget" Room => rooms::forget;
    GET "/api/watchfire/rooms/{room}/hooks" SignedIn => hooks::list;
    POST "/api/watchfire/rooms/{room}/hooks" SignedIn => hooks::add;
    POST "/api/watchfire/rooms/{room}/hooks/{hook}" SignedIn => hooks::change;
    POST "/api/watchfire/rooms/{room}/hooks/{hook}/renew" SignedIn => hooks::renew;
    POST "/api/watchfire/rooms/{room}/hooks/{hook}/remove" SignedIn => hooks::remove;
    POST "/hooks/{secret}" Secret => hooks::hear;

    GET "/demo" SignedIn => demo::first;
    GET "/demo/demo.css" Nothing => assets::demo_css;
    GET "/demo/{site}" Nothing => demo::to_home;
    GET "/demo/{site}/" Nothing => demo::home;
    GET "/demo/{site}/teas" Nothing => demo::teas;
    GET "/demo/{site}/teas/assam" Nothing => demo::assam;
    GET "/demo/{site}/cart" Nothing => demo::cart;
    GET "/demo/{site}/about" Nothing => demo::about;
    GET "/demo/{site}/price-list.txt" Nothing => demo::price_list;

    GET "/assets/{file}" Nothing => assets::file;
    GET "/favicon.svg" Nothing => assets::favicon;
    GET "/push-worker.js" Nothing => assets::push_worker;
    GET "/robots.txt" Nothing => assets::robots;
};

/// The router made of the table: each route behind what it needs, everything behind the same headers.
pub(crate) fn routes(web: Arc<Web>) -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        let admit = from_fn_with_state((web.clone(), route.needs), guard::admit);
        router = router.route(route.path, (route.handler)().route_layer(admit));
    }
    router
        .fallback(error::not_found)
        .layer(from_fn_with_state(web.clone(), finish::finish))
        .layer(from_fn_with_state(web.clone(), guard::refuse_cross_site))
        .layer(from_fn(error::dress))
        .layer(from_fn(headers::protect))
        .with_state(web)
}
