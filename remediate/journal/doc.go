// Package journal is the durable log of one host: what the agent decided, what
// it was told, and what it saw.
//
// It lies in JetStream, in a nats-server that runs inside the agent and syncs
// each write before it answers. One host has one log with one writer. The log
// is a stream per epoch; an epoch begins when the log can't be continued where
// it ended (the first start, an accepted damage, a store that had to be set
// aside). Each event is a CloudEvent that names its place in the log and the
// hash of the event before it, is appended only if the stream's last sequence
// is the one that its writer knows, and is followed by the file journal.head,
// which says where the log ended even when the log's own end is lost.
//
// Reading back, the newest snapshot and what came after it are all that a start
// needs. Whatever does not fit (a hole, a broken hash, a log behind its head)
// is a [Damage]: not an error that stops the agent, but one that must stop it
// from acting until a person accepts what is left. The chain finds damage; it
// is no seal against somebody who can write to the disk.
//
// The server has three accounts. JOURNAL has the streams, and one user that only
// this process can be. PEOPLE has the agent, the operator and whoever else is
// let in, CLUSTER whoever comes over a leaf node; what is stored reaches both as
// nightshift.events.<host>.<incident>, one way, and nothing in them reaches the
// streams.
//
// In the state directory:
//
//	journal/                      the server's store
//	journal.head                  epoch, counter and hash of the last event
//	journal.opening               how often the store was not opened in a row
//	journal.crash                 what the runtime wrote if that ended the process
//	journal.damage                damage that nobody has accepted yet
//	journal.aside-<time>/         a store that could not be opened
//	lock                          held by the running agent
//	operator.nk                   the operator's seed, for the nats client
//	nats/context/nightshift.json  how the nats client gets here:
//	                              XDG_CONFIG_HOME=<dir> nats --context nightshift sub 'nightshift.>'
package journal
