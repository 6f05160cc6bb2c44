{
	"patcher": {
		"fileversion": 1,
		"appversion": {
			"major": 8,
			"minor": 5,
			"revision": 0,
			"architecture": "x64",
			"modernui": 1
		},
		"classnamespace": "box",
		"rect": [
			80.0,
			80.0,
			720.0,
			420.0
		],
		"openinpresentation": 1,
		"default_fontsize": 12.0,
		"default_fontname": "Arial",
		"gridsize": [
			15.0,
			15.0
		],
		"boxes": [
			{
				"box": {
					"id": "obj-1",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						20.0,
						20.0,
						240.0,
						22.0
					],
					"text": "morph.client",
					"presentation": 1,
					"presentation_rect": [
						20.0,
						16.0,
						300.0,
						34.0
					],
					"fontsize": 24.0
				}
			},
			{
				"box": {
					"id": "obj-2",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						280.0,
						20.0,
						240.0,
						22.0
					],
					"text": "Connects a patch to a soundmorph server: `realtime serve` on this machine or another.",
					"presentation": 1,
					"presentation_rect": [
						20.0,
						52.0,
						660.0,
						22.0
					]
				}
			},
			{
				"box": {
					"id": "obj-3",
					"maxclass": "bpatcher",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						540.0,
						20.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						20.0,
						84.0,
						640.0,
						34.0
					],
					"name": "morph.client.maxpat"
				}
			},
			{
				"box": {
					"id": "obj-4",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						800.0,
						20.0,
						240.0,
						22.0
					],
					"text": "Inlet: a message of the OSC table (docs/osc.md).",
					"presentation": 1,
					"presentation_rect": [
						20.0,
						132.0,
						660.0,
						22.0
					]
				}
			},
			{
				"box": {
					"id": "obj-5",
					"maxclass": "message",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						1060.0,
						20.0,
						240.0,
						22.0
					],
					"text": "/morph/trigger 1. kick",
					"presentation": 1,
					"presentation_rect": [
						20.0,
						160.0,
						260.0,
						22.0
					]
				}
			},
			{
				"box": {
					"id": "obj-6",
					"maxclass": "message",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						20.0,
						52.0,
						240.0,
						22.0
					],
					"text": "/morph/between kick snare 0.5",
					"presentation": 1,
					"presentation_rect": [
						20.0,
						188.0,
						260.0,
						22.0
					]
				}
			},
			{
				"box": {
					"id": "obj-7",
					"maxclass": "message",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						280.0,
						52.0,
						240.0,
						22.0
					],
					"text": "/morph/goto hihat 500",
					"presentation": 1,
					"presentation_rect": [
						20.0,
						216.0,
						260.0,
						22.0
					]
				}
			},
			{
				"box": {
					"id": "obj-8",
					"maxclass": "message",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						540.0,
						52.0,
						240.0,
						22.0
					],
					"text": "/morph/get/z",
					"presentation": 1,
					"presentation_rect": [
						20.0,
						244.0,
						260.0,
						22.0
					]
				}
			},
			{
				"box": {
					"id": "obj-9",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						800.0,
						52.0,
						240.0,
						22.0
					],
					"text": "Left outlet: every answer. Right outlet: 1 while connected.",
					"presentation": 1,
					"presentation_rect": [
						300.0,
						160.0,
						400.0,
						22.0
					]
				}
			},
			{
				"box": {
					"id": "obj-10",
					"maxclass": "message",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						1060.0,
						52.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						300.0,
						188.0,
						400.0,
						44.0
					]
				}
			},
			{
				"box": {
					"id": "obj-11",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						20.0,
						84.0,
						240.0,
						22.0
					],
					"text": "prepend set"
				}
			},
			{
				"box": {
					"id": "obj-12",
					"maxclass": "toggle",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						280.0,
						84.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						300.0,
						242.0,
						24.0,
						24.0
					]
				}
			},
			{
				"box": {
					"id": "obj-13",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						540.0,
						84.0,
						240.0,
						22.0
					],
					"text": "In a bpatcher, as here, it shows its light, host, ports, latency and panic button; typed as an object it works without them. Max sends from one port and listens on another: morph.client asks the server to reply to that port.",
					"presentation": 1,
					"presentation_rect": [
						20.0,
						300.0,
						660.0,
						60.0
					],
					"linecount": 3
				}
			}
		],
		"lines": [
			{
				"patchline": {
					"source": [
						"obj-5",
						0
					],
					"destination": [
						"obj-3",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-6",
						0
					],
					"destination": [
						"obj-3",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-7",
						0
					],
					"destination": [
						"obj-3",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-8",
						0
					],
					"destination": [
						"obj-3",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-3",
						0
					],
					"destination": [
						"obj-11",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-11",
						0
					],
					"destination": [
						"obj-10",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-3",
						1
					],
					"destination": [
						"obj-12",
						0
					]
				}
			}
		]
	}
}
