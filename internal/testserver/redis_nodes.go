package testserver

import (
	"fmt"
	"slices"
)

func addrs(nodes []*Redis) []string {
	var all []string
	for _, n := range nodes {
		all = append(all, n.Addr())
	}
	return all
}

// agreement returns the node whose address everyone named, which has to be another
// one than gone.
func agreement(nodes []*Redis, named []string, gone *Redis) (*Redis, error) {
	slices.Sort(named)
	if named = slices.Compact(named); len(named) != 1 {
		return nil, fmt.Errorf("there is no agreement on the master: %s", named)
	}
	for _, n := range nodes {
		if n != gone && n.Addr() == named[0] {
			return n, nil
		}
	}
	return nil, fmt.Errorf("the master is still %s", named[0])
}
