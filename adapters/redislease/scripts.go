package redislease

import (
	_ "embed" // the scripts are files

	"github.com/redis/go-redis/v9"
)

//go:embed acquire.lua
var acquireLua string

//go:embed renew.lua
var renewLua string

//go:embed release.lua
var releaseLua string

// scripts holds one script for each method: sent by hash, and in full to a server
// that does not know it yet.
type scripts struct {
	acquire, renew, release *redis.Script
}

func newScripts() scripts {
	return scripts{
		acquire: redis.NewScript(acquireLua),
		renew:   redis.NewScript(renewLua),
		release: redis.NewScript(releaseLua),
	}
}
