// Package enginetest is a world of memory, in which the engine can be proved: a
// log, a host with units and probes, and the one action restart. Tests put it
// under testing/synctest, so that an hour passes at once.
//
// What differs from the real ones:
//
//   - [Log] keeps events in order and through their text, but on no disk; it dies,
//     fails or is taken by another writer exactly where a test says so. The journal
//     does that to real files under kill -9 in tests of its own.
//   - [World] answers from a table. A restart changes the InvocationID and, where
//     the test says so, the answer of a probe; there are no jobs, no start limits
//     and no systemd that would refuse. What it may be made to do is worse: to
//     hang beyond every deadline.
package enginetest
