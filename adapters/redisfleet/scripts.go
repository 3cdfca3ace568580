package redisfleet

import (
	_ "embed" // the scripts are files

	"github.com/redis/go-redis/v9"
)

//go:embed announce.lua
var announceLua string

//go:embed leave.lua
var leaveLua string

//go:embed members.lua
var membersLua string

//go:embed forget.lua
var forgetLua string

// scripts are sent by hash, and in full to a server that does not know them yet.
type scripts struct {
	announce, leave, members, forget *redis.Script
}

func newScripts() scripts {
	return scripts{
		announce: redis.NewScript(announceLua),
		leave:    redis.NewScript(leaveLua),
		members:  redis.NewScript(membersLua),
		forget:   redis.NewScript(forgetLua),
	}
}
