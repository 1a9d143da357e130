// Package simulate lets the agent live for a thousand hours in a world that wishes
// it ill, and holds it to what it promises.
//
// What decides is the real thing: the state machine of remediate, the gates of
// guard, the engine, and the end of the journal. The world around it is of memory,
// in one process and virtual time (testing/synctest), and every die in it is thrown
// by a seed: alerts come twice, late, in another order, never, or falsely resolved;
// probes lie, hang or can't tell; actions lie, hang, fail or leave in doubt; the
// journal's appends time out with and without effect, and another writer comes; the
// process dies at any durable boundary, the machine reboots, its wall clock jumps by
// an hour or ten years; people approve, deny, freeze, repeat what they said, and
// restart things by hand.
//
// An [observer] that shares no code with the agent's decisions sees what was stored,
// what was done and what was answered, and nothing else. invariants.go lists what it
// holds the agent to.
package simulate
