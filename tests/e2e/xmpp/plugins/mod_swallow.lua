-- Drops every presence to a room without a word: what a bridge sees that is not on the whitelist.
local function swallow() return true; end
module:hook("presence/full", swallow, 1000);
module:hook("presence/bare", swallow, 1000);
