// Package probe looks at the world from outside the units: over HTTP, TCP and
// TLS, in metrics, in the memory, on the disk.
//
// A probe answers healthy, unhealthy, or unknown when it could not look. Nothing
// is done because of an unknown, so the line between the two bad answers is
// drawn with care: what the service did (it refused, hung up, answered wrongly,
// did not answer in time) is unhealthy; what this host lacks to ask (a name
// server, a file descriptor, a permission, a readable file), and a question that
// was taken back, is unknown. Where a probe asks somebody else about a service
// (Prometheus, a page of metrics), it is unknown when that one does not answer.
//
// Every look has a deadline, and what it quotes is bounded by [remediate.Brief].
package probe
