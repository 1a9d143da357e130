// Package strict reads YAML as people who are called at night need it read: an
// unknown key, a second document, a key given twice, an alias, a value of another kind
// is an error, and all errors come at once, each with its line, its column and a caret
// beneath what is wrong. Nothing of a file with an error is used.
//
// What a file holds is the business of who reads it: it hands over a struct whose
// fields have the tag yaml, and checks afterwards what YAML can't say, with the methods
// of [Reading], which know where each field stands.
package strict
