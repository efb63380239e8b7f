//! Journeys through the real program: what a user does, over HTTP and WebSocket alone.

mod load;
mod sizes;
mod smtp;

mod arrows;
mod autoscale;
mod availability;
mod backup;
mod cases;
mod cluster;
mod commits;
mod conversations;
mod crash;
mod crash_history;
mod deadletters;
mod digests;
mod doctor;
mod export;
mod filter;
mod import;
mod letters;
mod limits;
mod moving;
mod observing;
mod plausible;
mod pushes;
mod replay;
mod reports;
mod rights;
mod rolling;
mod rooms_archive;
mod sharing;
mod supervised;
mod traces;
mod units;
mod webhooks;
