obj-$(CONFIG_AMD_MCE_GUARD)	+= amd/mce_guard/
