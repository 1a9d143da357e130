// Package inventory reads the one YAML file that says what looks after what: the
// host, its probes, the units that may be acted on, the playbooks that are on.
// What the file does not name is never acted on.
//
// Reading is strict. An unknown key, a second document, a key given twice, a
// name that is defined nowhere is an error, and all errors come at once, each
// with its line, its column and a caret beneath what is wrong. Nothing of a file
// with an error is used.
package inventory
