// Package guard says whether an act may happen now. Each gate is a pure function
// of [Facts]; they stand in one list, in the order in which they are asked, cheap
// and global ones first, a person last. The first that does not allow decides.
//
// The facts are folded from the log and read from the world just before, so that
// a gate holds across restarts and clock jumps, and is asked again directly
// before each effect.
package guard
