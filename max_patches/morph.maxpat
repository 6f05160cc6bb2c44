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
			980.0,
			640.0
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
					"maxclass": "panel",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						20.0,
						20.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						0.0,
						0.0,
						980.0,
						640.0
					],
					"bgcolor": [
						0.1,
						0.11,
						0.13,
						1.0
					],
					"background": 1
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
					"text": "soundmorph",
					"presentation": 1,
					"presentation_rect": [
						16.0,
						10.0,
						200.0,
						30.0
					],
					"textcolor": [
						0.8,
						0.82,
						0.86,
						1.0
					],
					"fontsize": 20.0
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
						320.0,
						8.0,
						640.0,
						34.0
					],
					"name": "morph.client.maxpat"
				}
			},
			{
				"box": {
					"id": "obj-4",
					"maxclass": "newobj",
					"numinlets": 0,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						800.0,
						20.0,
						240.0,
						22.0
					],
					"text": "r morph.out"
				}
			},
			{
				"box": {
					"id": "obj-5",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						1060.0,
						20.0,
						240.0,
						22.0
					],
					"text": "s morph.in"
				}
			},
			{
				"box": {
					"id": "obj-6",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 4,
					"outlettype": [
						"",
						"",
						"",
						""
					],
					"patching_rect": [
						20.0,
						52.0,
						240.0,
						22.0
					],
					"text": "route /morph/classes.reply /morph/dimensions.reply /morph/error"
				}
			},
			{
				"box": {
					"id": "obj-7",
					"maxclass": "newobj",
					"numinlets": 0,
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
					"text": "r morph.in"
				}
			},
			{
				"box": {
					"id": "obj-8",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						540.0,
						52.0,
						240.0,
						22.0
					],
					"text": "pads",
					"presentation": 1,
					"presentation_rect": [
						16.0,
						54.0,
						100.0,
						20.0
					],
					"textcolor": [
						0.8,
						0.82,
						0.86,
						1.0
					]
				}
			},
			{
				"box": {
					"id": "obj-9",
					"maxclass": "tab",
					"numinlets": 1,
					"numoutlets": 3,
					"outlettype": [
						"",
						"",
						""
					],
					"patching_rect": [
						800.0,
						52.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						16.0,
						76.0,
						460.0,
						84.0
					],
					"mode": 0,
					"tabs": [
						"waiting for the server"
					],
					"fontsize": 16.0
				}
			},
			{
				"box": {
					"id": "obj-10",
					"maxclass": "newobj",
					"numinlets": 1,
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
					"text": "prepend tabs"
				}
			},
			{
				"box": {
					"id": "obj-11",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						20.0,
						84.0,
						240.0,
						22.0
					],
					"text": "velocity",
					"presentation": 1,
					"presentation_rect": [
						370.0,
						54.0,
						60.0,
						20.0
					],
					"textcolor": [
						0.8,
						0.82,
						0.86,
						1.0
					]
				}
			},
			{
				"box": {
					"id": "obj-12",
					"maxclass": "flonum",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
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
						426.0,
						52.0,
						50.0,
						22.0
					],
					"minimum": 0.0,
					"maximum": 1.0,
					"varname": "velocity"
				}
			},
			{
				"box": {
					"id": "obj-13",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						540.0,
						84.0,
						240.0,
						22.0
					],
					"text": "loadmess 1."
				}
			},
			{
				"box": {
					"id": "obj-14",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						800.0,
						84.0,
						240.0,
						22.0
					],
					"text": "pack kick 1."
				}
			},
			{
				"box": {
					"id": "obj-15",
					"maxclass": "message",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						1060.0,
						84.0,
						240.0,
						22.0
					],
					"text": "/morph/trigger $2 $1"
				}
			},
			{
				"box": {
					"id": "obj-16",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						20.0,
						116.0,
						240.0,
						22.0
					],
					"text": "s morph.out"
				}
			},
			{
				"box": {
					"id": "obj-17",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						280.0,
						116.0,
						240.0,
						22.0
					],
					"text": "morph from",
					"presentation": 1,
					"presentation_rect": [
						16.0,
						172.0,
						80.0,
						20.0
					],
					"textcolor": [
						0.8,
						0.82,
						0.86,
						1.0
					]
				}
			},
			{
				"box": {
					"id": "obj-18",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						540.0,
						116.0,
						240.0,
						22.0
					],
					"text": "to",
					"presentation": 1,
					"presentation_rect": [
						250.0,
						172.0,
						30.0,
						20.0
					],
					"textcolor": [
						0.8,
						0.82,
						0.86,
						1.0
					]
				}
			},
			{
				"box": {
					"id": "obj-19",
					"maxclass": "umenu",
					"numinlets": 1,
					"numoutlets": 3,
					"outlettype": [
						"",
						"",
						""
					],
					"patching_rect": [
						800.0,
						116.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						90.0,
						170.0,
						150.0,
						22.0
					],
					"varname": "from"
				}
			},
			{
				"box": {
					"id": "obj-20",
					"maxclass": "umenu",
					"numinlets": 1,
					"numoutlets": 3,
					"outlettype": [
						"",
						"",
						""
					],
					"patching_rect": [
						1060.0,
						116.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						276.0,
						170.0,
						150.0,
						22.0
					],
					"varname": "to"
				}
			},
			{
				"box": {
					"id": "obj-21",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						20.0,
						148.0,
						240.0,
						22.0
					],
					"text": "t l clear"
				}
			},
			{
				"box": {
					"id": "obj-22",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						280.0,
						148.0,
						240.0,
						22.0
					],
					"text": "zl iter 1"
				}
			},
			{
				"box": {
					"id": "obj-23",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						540.0,
						148.0,
						240.0,
						22.0
					],
					"text": "prepend append"
				}
			},
			{
				"box": {
					"id": "obj-24",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						800.0,
						148.0,
						240.0,
						22.0
					],
					"text": "prepend append"
				}
			},
			{
				"box": {
					"id": "obj-25",
					"maxclass": "slider",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						1060.0,
						148.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						16.0,
						200.0,
						460.0,
						40.0
					],
					"floatoutput": 1,
					"size": 1.0,
					"orientation": 1,
					"varname": "morph",
					"knobcolor": [
						1,
						0.6,
						0.2,
						1
					]
				}
			},
			{
				"box": {
					"id": "obj-26",
					"maxclass": "newobj",
					"numinlets": 3,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						20.0,
						180.0,
						240.0,
						22.0
					],
					"text": "pak kick snare 0."
				}
			},
			{
				"box": {
					"id": "obj-27",
					"maxclass": "message",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						280.0,
						180.0,
						240.0,
						22.0
					],
					"text": "/morph/between $1 $2 $3"
				}
			},
			{
				"box": {
					"id": "obj-28",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						540.0,
						180.0,
						240.0,
						22.0
					],
					"text": "s morph.out"
				}
			},
			{
				"box": {
					"id": "obj-29",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						800.0,
						180.0,
						240.0,
						22.0
					],
					"text": "dimensions of z, from 0 on the left, over the range of the training sounds",
					"presentation": 1,
					"presentation_rect": [
						500.0,
						54.0,
						460.0,
						20.0
					],
					"textcolor": [
						0.8,
						0.82,
						0.86,
						1.0
					]
				}
			},
			{
				"box": {
					"id": "obj-30",
					"maxclass": "multislider",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						1060.0,
						180.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						500.0,
						76.0,
						460.0,
						164.0
					],
					"setminmax": [
						0.0,
						1.0
					],
					"settype": 1,
					"setstyle": 1,
					"size": 20,
					"varname": "z",
					"contdata": 1
				}
			},
			{
				"box": {
					"id": "obj-31",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						20.0,
						212.0,
						240.0,
						22.0
					],
					"text": "zl slice 2"
				}
			},
			{
				"box": {
					"id": "obj-32",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						280.0,
						212.0,
						240.0,
						22.0
					],
					"text": "zl delace"
				}
			},
			{
				"box": {
					"id": "obj-33",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						540.0,
						212.0,
						240.0,
						22.0
					],
					"text": "t l l"
				}
			},
			{
				"box": {
					"id": "obj-34",
					"maxclass": "newobj",
					"numinlets": 3,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						800.0,
						212.0,
						240.0,
						22.0
					],
					"text": "vexpr $f1*($f3-$f2)+$f2"
				}
			},
			{
				"box": {
					"id": "obj-35",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						1060.0,
						212.0,
						240.0,
						22.0
					],
					"text": "zl len"
				}
			},
			{
				"box": {
					"id": "obj-36",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						20.0,
						244.0,
						240.0,
						22.0
					],
					"text": "prepend size"
				}
			},
			{
				"box": {
					"id": "obj-37",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						280.0,
						244.0,
						240.0,
						22.0
					],
					"text": "prepend /morph/z"
				}
			},
			{
				"box": {
					"id": "obj-38",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						540.0,
						244.0,
						240.0,
						22.0
					],
					"text": "s morph.out"
				}
			},
			{
				"box": {
					"id": "obj-39",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						800.0,
						244.0,
						240.0,
						22.0
					],
					"text": "mixture of all classes",
					"presentation": 1,
					"presentation_rect": [
						500.0,
						254.0,
						200.0,
						20.0
					],
					"textcolor": [
						0.8,
						0.82,
						0.86,
						1.0
					]
				}
			},
			{
				"box": {
					"id": "obj-40",
					"maxclass": "nodes",
					"numinlets": 1,
					"numoutlets": 3,
					"outlettype": [
						"",
						"",
						""
					],
					"patching_rect": [
						1060.0,
						244.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						500.0,
						276.0,
						220.0,
						220.0
					],
					"nodenumber": 4,
					"nsize": [
						0.5,
						0.5,
						0.5,
						0.5
					],
					"xplace": [
						0.2,
						0.8,
						0.2,
						0.8
					],
					"yplace": [
						0.2,
						0.2,
						0.8,
						0.8
					],
					"varname": "mixture",
					"candycane": 4
				}
			},
			{
				"box": {
					"id": "obj-41",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						20.0,
						276.0,
						240.0,
						22.0
					],
					"text": "t l l"
				}
			},
			{
				"box": {
					"id": "obj-42",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						280.0,
						276.0,
						240.0,
						22.0
					],
					"text": "zl len"
				}
			},
			{
				"box": {
					"id": "obj-43",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						540.0,
						276.0,
						240.0,
						22.0
					],
					"text": "prepend nodenumber"
				}
			},
			{
				"box": {
					"id": "obj-44",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						800.0,
						276.0,
						240.0,
						22.0
					],
					"text": "prepend nodesnames"
				}
			},
			{
				"box": {
					"id": "obj-45",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						1060.0,
						276.0,
						240.0,
						22.0
					],
					"text": "prepend /morph/weights"
				}
			},
			{
				"box": {
					"id": "obj-46",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						20.0,
						308.0,
						240.0,
						22.0
					],
					"text": "s morph.out"
				}
			},
			{
				"box": {
					"id": "obj-47",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						280.0,
						308.0,
						240.0,
						22.0
					],
					"text": "presets of this patch: shift-click stores; 1.5 is half way from 1 to 2",
					"presentation": 1,
					"presentation_rect": [
						740.0,
						254.0,
						230.0,
						36.0
					],
					"textcolor": [
						0.8,
						0.82,
						0.86,
						1.0
					],
					"linecount": 2
				}
			},
			{
				"box": {
					"id": "obj-48",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						540.0,
						308.0,
						240.0,
						22.0
					],
					"text": "pattrstorage morph @savemode 2 @changemode 1",
					"varname": "morph",
					"saved_object_attributes": {
						"parameter_enable": 0
					}
				}
			},
			{
				"box": {
					"id": "obj-49",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 4,
					"outlettype": [
						"",
						"",
						"",
						""
					],
					"patching_rect": [
						800.0,
						308.0,
						240.0,
						22.0
					],
					"text": "autopattr",
					"varname": "bound"
				}
			},
			{
				"box": {
					"id": "obj-50",
					"maxclass": "preset",
					"numinlets": 1,
					"numoutlets": 5,
					"outlettype": [
						"",
						"",
						"",
						"",
						""
					],
					"patching_rect": [
						1060.0,
						308.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						740.0,
						294.0,
						220.0,
						44.0
					],
					"pattrstorage": "morph"
				}
			},
			{
				"box": {
					"id": "obj-51",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						20.0,
						340.0,
						240.0,
						22.0
					],
					"text": "recall",
					"presentation": 1,
					"presentation_rect": [
						740.0,
						346.0,
						50.0,
						20.0
					],
					"textcolor": [
						0.8,
						0.82,
						0.86,
						1.0
					]
				}
			},
			{
				"box": {
					"id": "obj-52",
					"maxclass": "flonum",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						280.0,
						340.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						790.0,
						344.0,
						70.0,
						22.0
					],
					"minimum": 1.0
				}
			},
			{
				"box": {
					"id": "obj-53",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						540.0,
						340.0,
						240.0,
						22.0
					],
					"text": "presets of the server: store / recall (in 200 ms)",
					"presentation": 1,
					"presentation_rect": [
						740.0,
						378.0,
						230.0,
						36.0
					],
					"textcolor": [
						0.8,
						0.82,
						0.86,
						1.0
					],
					"linecount": 2
				}
			},
			{
				"box": {
					"id": "obj-54",
					"maxclass": "tab",
					"numinlets": 1,
					"numoutlets": 3,
					"outlettype": [
						"",
						"",
						""
					],
					"patching_rect": [
						800.0,
						340.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						740.0,
						414.0,
						220.0,
						24.0
					],
					"mode": 0,
					"tabs": [
						"1",
						"2",
						"3",
						"4",
						"5",
						"6",
						"7",
						"8"
					]
				}
			},
			{
				"box": {
					"id": "obj-55",
					"maxclass": "message",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						1060.0,
						340.0,
						240.0,
						22.0
					],
					"text": "/morph/preset/store preset$1"
				}
			},
			{
				"box": {
					"id": "obj-56",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						20.0,
						372.0,
						240.0,
						22.0
					],
					"text": "s morph.out"
				}
			},
			{
				"box": {
					"id": "obj-57",
					"maxclass": "tab",
					"numinlets": 1,
					"numoutlets": 3,
					"outlettype": [
						"",
						"",
						""
					],
					"patching_rect": [
						280.0,
						372.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						740.0,
						444.0,
						220.0,
						24.0
					],
					"mode": 0,
					"tabs": [
						"1",
						"2",
						"3",
						"4",
						"5",
						"6",
						"7",
						"8"
					]
				}
			},
			{
				"box": {
					"id": "obj-58",
					"maxclass": "message",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						540.0,
						372.0,
						240.0,
						22.0
					],
					"text": "/morph/preset/recall preset$1 200"
				}
			},
			{
				"box": {
					"id": "obj-59",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						800.0,
						372.0,
						240.0,
						22.0
					],
					"text": "s morph.out"
				}
			},
			{
				"box": {
					"id": "obj-60",
					"maxclass": "textbutton",
					"numinlets": 1,
					"numoutlets": 3,
					"outlettype": [
						"",
						"",
						""
					],
					"patching_rect": [
						1060.0,
						372.0,
						240.0,
						22.0
					],
					"text": "undo",
					"presentation": 1,
					"presentation_rect": [
						740.0,
						474.0,
						106.0,
						22.0
					]
				}
			},
			{
				"box": {
					"id": "obj-61",
					"maxclass": "message",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						20.0,
						404.0,
						240.0,
						22.0
					],
					"text": "/morph/undo"
				}
			},
			{
				"box": {
					"id": "obj-62",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						280.0,
						404.0,
						240.0,
						22.0
					],
					"text": "s morph.out"
				}
			},
			{
				"box": {
					"id": "obj-63",
					"maxclass": "textbutton",
					"numinlets": 1,
					"numoutlets": 3,
					"outlettype": [
						"",
						"",
						""
					],
					"patching_rect": [
						540.0,
						404.0,
						240.0,
						22.0
					],
					"text": "redo",
					"presentation": 1,
					"presentation_rect": [
						854.0,
						474.0,
						106.0,
						22.0
					]
				}
			},
			{
				"box": {
					"id": "obj-64",
					"maxclass": "message",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						800.0,
						404.0,
						240.0,
						22.0
					],
					"text": "/morph/redo"
				}
			},
			{
				"box": {
					"id": "obj-65",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						1060.0,
						404.0,
						240.0,
						22.0
					],
					"text": "s morph.out"
				}
			},
			{
				"box": {
					"id": "obj-66",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						20.0,
						436.0,
						240.0,
						22.0
					],
					"text": "16 steps: place of the morph, velocity below it (0 rests)",
					"presentation": 1,
					"presentation_rect": [
						16.0,
						254.0,
						360.0,
						20.0
					],
					"textcolor": [
						0.8,
						0.82,
						0.86,
						1.0
					]
				}
			},
			{
				"box": {
					"id": "obj-67",
					"maxclass": "toggle",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						280.0,
						436.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						380.0,
						252.0,
						22.0,
						22.0
					]
				}
			},
			{
				"box": {
					"id": "obj-68",
					"maxclass": "flonum",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						540.0,
						436.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						408.0,
						252.0,
						68.0,
						22.0
					],
					"minimum": 20.0,
					"maximum": 400.0,
					"varname": "tempo"
				}
			},
			{
				"box": {
					"id": "obj-69",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						800.0,
						436.0,
						240.0,
						22.0
					],
					"text": "metro 125"
				}
			},
			{
				"box": {
					"id": "obj-70",
					"maxclass": "newobj",
					"numinlets": 5,
					"numoutlets": 4,
					"outlettype": [
						"",
						"",
						"",
						""
					],
					"patching_rect": [
						1060.0,
						436.0,
						240.0,
						22.0
					],
					"text": "counter 0 1 16"
				}
			},
			{
				"box": {
					"id": "obj-71",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						20.0,
						468.0,
						240.0,
						22.0
					],
					"text": "loadmess 120."
				}
			},
			{
				"box": {
					"id": "obj-72",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						280.0,
						468.0,
						240.0,
						22.0
					],
					"text": "expr 15000./$f1"
				}
			},
			{
				"box": {
					"id": "obj-73",
					"maxclass": "multislider",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						540.0,
						468.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						16.0,
						276.0,
						460.0,
						100.0
					],
					"varname": "lane",
					"slidercolor": [
						1,
						0.6,
						0.2,
						1
					],
					"setminmax": [
						0.0,
						1.0
					],
					"settype": 1,
					"setstyle": 1,
					"size": 16,
					"contdata": 1
				}
			},
			{
				"box": {
					"id": "obj-74",
					"maxclass": "multislider",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						800.0,
						468.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						16.0,
						382.0,
						460.0,
						114.0
					],
					"varname": "steps",
					"setminmax": [
						0.0,
						1.0
					],
					"settype": 1,
					"setstyle": 1,
					"size": 16,
					"contdata": 1
				}
			},
			{
				"box": {
					"id": "obj-75",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						1060.0,
						468.0,
						240.0,
						22.0
					],
					"text": "t i i"
				}
			},
			{
				"box": {
					"id": "obj-76",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						20.0,
						500.0,
						240.0,
						22.0
					],
					"text": "prepend fetch"
				}
			},
			{
				"box": {
					"id": "obj-77",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						280.0,
						500.0,
						240.0,
						22.0
					],
					"text": "prepend fetch"
				}
			},
			{
				"box": {
					"id": "obj-78",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						540.0,
						500.0,
						240.0,
						22.0
					],
					"text": "if $f1 > 0. then $f1"
				}
			},
			{
				"box": {
					"id": "obj-79",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						800.0,
						500.0,
						240.0,
						22.0
					],
					"text": "prepend /morph/trigger"
				}
			},
			{
				"box": {
					"id": "obj-80",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						1060.0,
						500.0,
						240.0,
						22.0
					],
					"text": "s morph.out"
				}
			},
			{
				"box": {
					"id": "obj-81",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						20.0,
						532.0,
						240.0,
						22.0
					],
					"text": "gain dB",
					"presentation": 1,
					"presentation_rect": [
						16.0,
						512.0,
						56.0,
						20.0
					],
					"textcolor": [
						0.8,
						0.82,
						0.86,
						1.0
					]
				}
			},
			{
				"box": {
					"id": "obj-82",
					"maxclass": "flonum",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						280.0,
						532.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						16.0,
						534.0,
						52.0,
						22.0
					],
					"minimum": -60.0,
					"maximum": 12.0,
					"varname": "gain"
				}
			},
			{
				"box": {
					"id": "obj-83",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						540.0,
						532.0,
						240.0,
						22.0
					],
					"text": "prepend /morph/gain"
				}
			},
			{
				"box": {
					"id": "obj-84",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						800.0,
						532.0,
						240.0,
						22.0
					],
					"text": "s morph.out"
				}
			},
			{
				"box": {
					"id": "obj-85",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						1060.0,
						532.0,
						240.0,
						22.0
					],
					"text": "glide ms",
					"presentation": 1,
					"presentation_rect": [
						82.0,
						512.0,
						56.0,
						20.0
					],
					"textcolor": [
						0.8,
						0.82,
						0.86,
						1.0
					]
				}
			},
			{
				"box": {
					"id": "obj-86",
					"maxclass": "flonum",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						20.0,
						564.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						82.0,
						534.0,
						52.0,
						22.0
					],
					"minimum": 0.0,
					"maximum": 10000.0,
					"varname": "glide"
				}
			},
			{
				"box": {
					"id": "obj-87",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						280.0,
						564.0,
						240.0,
						22.0
					],
					"text": "prepend /morph/glide"
				}
			},
			{
				"box": {
					"id": "obj-88",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						540.0,
						564.0,
						240.0,
						22.0
					],
					"text": "s morph.out"
				}
			},
			{
				"box": {
					"id": "obj-89",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						800.0,
						564.0,
						240.0,
						22.0
					],
					"text": "pitch st",
					"presentation": 1,
					"presentation_rect": [
						148.0,
						512.0,
						56.0,
						20.0
					],
					"textcolor": [
						0.8,
						0.82,
						0.86,
						1.0
					]
				}
			},
			{
				"box": {
					"id": "obj-90",
					"maxclass": "flonum",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						1060.0,
						564.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						148.0,
						534.0,
						52.0,
						22.0
					],
					"minimum": -48.0,
					"maximum": 48.0,
					"varname": "pitch"
				}
			},
			{
				"box": {
					"id": "obj-91",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						20.0,
						596.0,
						240.0,
						22.0
					],
					"text": "prepend /morph/pitch"
				}
			},
			{
				"box": {
					"id": "obj-92",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						280.0,
						596.0,
						240.0,
						22.0
					],
					"text": "s morph.out"
				}
			},
			{
				"box": {
					"id": "obj-93",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						540.0,
						596.0,
						240.0,
						22.0
					],
					"text": "pan",
					"presentation": 1,
					"presentation_rect": [
						214.0,
						512.0,
						56.0,
						20.0
					],
					"textcolor": [
						0.8,
						0.82,
						0.86,
						1.0
					]
				}
			},
			{
				"box": {
					"id": "obj-94",
					"maxclass": "flonum",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						800.0,
						596.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						214.0,
						534.0,
						52.0,
						22.0
					],
					"minimum": -1.0,
					"maximum": 1.0,
					"varname": "pan"
				}
			},
			{
				"box": {
					"id": "obj-95",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						1060.0,
						596.0,
						240.0,
						22.0
					],
					"text": "prepend /morph/pan"
				}
			},
			{
				"box": {
					"id": "obj-96",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						20.0,
						628.0,
						240.0,
						22.0
					],
					"text": "s morph.out"
				}
			},
			{
				"box": {
					"id": "obj-97",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						280.0,
						628.0,
						240.0,
						22.0
					],
					"text": "decay ms",
					"presentation": 1,
					"presentation_rect": [
						280.0,
						512.0,
						56.0,
						20.0
					],
					"textcolor": [
						0.8,
						0.82,
						0.86,
						1.0
					]
				}
			},
			{
				"box": {
					"id": "obj-98",
					"maxclass": "flonum",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						540.0,
						628.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						280.0,
						534.0,
						52.0,
						22.0
					],
					"minimum": 0.0,
					"maximum": 10000.0,
					"varname": "decay"
				}
			},
			{
				"box": {
					"id": "obj-99",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						800.0,
						628.0,
						240.0,
						22.0
					],
					"text": "prepend /morph/decay"
				}
			},
			{
				"box": {
					"id": "obj-100",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						1060.0,
						628.0,
						240.0,
						22.0
					],
					"text": "s morph.out"
				}
			},
			{
				"box": {
					"id": "obj-101",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						20.0,
						660.0,
						240.0,
						22.0
					],
					"text": "choke",
					"presentation": 1,
					"presentation_rect": [
						346.0,
						512.0,
						56.0,
						20.0
					],
					"textcolor": [
						0.8,
						0.82,
						0.86,
						1.0
					]
				}
			},
			{
				"box": {
					"id": "obj-102",
					"maxclass": "flonum",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						280.0,
						660.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						346.0,
						534.0,
						52.0,
						22.0
					],
					"minimum": 0.0,
					"maximum": 16.0,
					"varname": "choke"
				}
			},
			{
				"box": {
					"id": "obj-103",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						540.0,
						660.0,
						240.0,
						22.0
					],
					"text": "prepend /morph/choke"
				}
			},
			{
				"box": {
					"id": "obj-104",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						800.0,
						660.0,
						240.0,
						22.0
					],
					"text": "s morph.out"
				}
			},
			{
				"box": {
					"id": "obj-105",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						1060.0,
						660.0,
						240.0,
						22.0
					],
					"text": "dynamics",
					"presentation": 1,
					"presentation_rect": [
						412.0,
						512.0,
						56.0,
						20.0
					],
					"textcolor": [
						0.8,
						0.82,
						0.86,
						1.0
					]
				}
			},
			{
				"box": {
					"id": "obj-106",
					"maxclass": "flonum",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						20.0,
						692.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						412.0,
						534.0,
						52.0,
						22.0
					],
					"minimum": 0.0,
					"maximum": 2.0,
					"varname": "dynamics"
				}
			},
			{
				"box": {
					"id": "obj-107",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						280.0,
						692.0,
						240.0,
						22.0
					],
					"text": "prepend /morph/dynamics"
				}
			},
			{
				"box": {
					"id": "obj-108",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						540.0,
						692.0,
						240.0,
						22.0
					],
					"text": "s morph.out"
				}
			},
			{
				"box": {
					"id": "obj-109",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						800.0,
						692.0,
						240.0,
						22.0
					],
					"text": "vary",
					"presentation": 1,
					"presentation_rect": [
						478.0,
						512.0,
						56.0,
						20.0
					],
					"textcolor": [
						0.8,
						0.82,
						0.86,
						1.0
					]
				}
			},
			{
				"box": {
					"id": "obj-110",
					"maxclass": "flonum",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						1060.0,
						692.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						478.0,
						534.0,
						52.0,
						22.0
					],
					"minimum": 0.0,
					"maximum": 1.0,
					"varname": "vary"
				}
			},
			{
				"box": {
					"id": "obj-111",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						20.0,
						724.0,
						240.0,
						22.0
					],
					"text": "prepend /morph/vary"
				}
			},
			{
				"box": {
					"id": "obj-112",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						280.0,
						724.0,
						240.0,
						22.0
					],
					"text": "s morph.out"
				}
			},
			{
				"box": {
					"id": "obj-113",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						540.0,
						724.0,
						240.0,
						22.0
					],
					"text": "level dB",
					"presentation": 1,
					"presentation_rect": [
						544.0,
						512.0,
						56.0,
						20.0
					],
					"textcolor": [
						0.8,
						0.82,
						0.86,
						1.0
					]
				}
			},
			{
				"box": {
					"id": "obj-114",
					"maxclass": "flonum",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						800.0,
						724.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						544.0,
						534.0,
						52.0,
						22.0
					],
					"minimum": -60.0,
					"maximum": 24.0,
					"varname": "level"
				}
			},
			{
				"box": {
					"id": "obj-115",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						1060.0,
						724.0,
						240.0,
						22.0
					],
					"text": "prepend /morph/level"
				}
			},
			{
				"box": {
					"id": "obj-116",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						20.0,
						756.0,
						240.0,
						22.0
					],
					"text": "s morph.out"
				}
			},
			{
				"box": {
					"id": "obj-117",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						280.0,
						756.0,
						240.0,
						22.0
					],
					"text": "out",
					"presentation": 1,
					"presentation_rect": [
						610.0,
						512.0,
						56.0,
						20.0
					],
					"textcolor": [
						0.8,
						0.82,
						0.86,
						1.0
					]
				}
			},
			{
				"box": {
					"id": "obj-118",
					"maxclass": "flonum",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						540.0,
						756.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						610.0,
						534.0,
						52.0,
						22.0
					],
					"minimum": 0.0,
					"maximum": 16.0,
					"varname": "out"
				}
			},
			{
				"box": {
					"id": "obj-119",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						800.0,
						756.0,
						240.0,
						22.0
					],
					"text": "prepend /morph/out"
				}
			},
			{
				"box": {
					"id": "obj-120",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						1060.0,
						756.0,
						240.0,
						22.0
					],
					"text": "s morph.out"
				}
			},
			{
				"box": {
					"id": "obj-121",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						20.0,
						788.0,
						240.0,
						22.0
					],
					"text": "mode",
					"presentation": 1,
					"presentation_rect": [
						676.0,
						512.0,
						100.0,
						20.0
					],
					"textcolor": [
						0.8,
						0.82,
						0.86,
						1.0
					]
				}
			},
			{
				"box": {
					"id": "obj-122",
					"maxclass": "tab",
					"numinlets": 1,
					"numoutlets": 3,
					"outlettype": [
						"",
						"",
						""
					],
					"patching_rect": [
						280.0,
						788.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						676.0,
						534.0,
						130.0,
						22.0
					],
					"tabs": [
						"live",
						"latch"
					],
					"varname": "mode"
				}
			},
			{
				"box": {
					"id": "obj-123",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						540.0,
						788.0,
						240.0,
						22.0
					],
					"text": "prepend /morph/mode"
				}
			},
			{
				"box": {
					"id": "obj-124",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						800.0,
						788.0,
						240.0,
						22.0
					],
					"text": "s morph.out"
				}
			},
			{
				"box": {
					"id": "obj-125",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						1060.0,
						788.0,
						240.0,
						22.0
					],
					"text": "reverse",
					"presentation": 1,
					"presentation_rect": [
						816.0,
						512.0,
						100.0,
						20.0
					],
					"textcolor": [
						0.8,
						0.82,
						0.86,
						1.0
					]
				}
			},
			{
				"box": {
					"id": "obj-126",
					"maxclass": "tab",
					"numinlets": 1,
					"numoutlets": 3,
					"outlettype": [
						"",
						"",
						""
					],
					"patching_rect": [
						20.0,
						820.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						816.0,
						534.0,
						130.0,
						22.0
					],
					"tabs": [
						"off",
						"on"
					],
					"varname": "reverse"
				}
			},
			{
				"box": {
					"id": "obj-127",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						280.0,
						820.0,
						240.0,
						22.0
					],
					"text": "prepend /morph/reverse"
				}
			},
			{
				"box": {
					"id": "obj-128",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						540.0,
						820.0,
						240.0,
						22.0
					],
					"text": "s morph.out"
				}
			},
			{
				"box": {
					"id": "obj-129",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						800.0,
						820.0,
						240.0,
						22.0
					],
					"text": "axis 1",
					"presentation": 1,
					"presentation_rect": [
						16.0,
						570.0,
						60.0,
						20.0
					],
					"textcolor": [
						0.8,
						0.82,
						0.86,
						1.0
					]
				}
			},
			{
				"box": {
					"id": "obj-130",
					"maxclass": "slider",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						1060.0,
						820.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						70.0,
						568.0,
						170.0,
						22.0
					],
					"floatoutput": 1,
					"size": 6.0,
					"min": -3.0,
					"orientation": 1,
					"varname": "axis0"
				}
			},
			{
				"box": {
					"id": "obj-131",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						20.0,
						852.0,
						240.0,
						22.0
					],
					"text": "prepend /morph/macro/0"
				}
			},
			{
				"box": {
					"id": "obj-132",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						280.0,
						852.0,
						240.0,
						22.0
					],
					"text": "s morph.out"
				}
			},
			{
				"box": {
					"id": "obj-133",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						540.0,
						852.0,
						240.0,
						22.0
					],
					"text": "axis 2",
					"presentation": 1,
					"presentation_rect": [
						256.0,
						570.0,
						60.0,
						20.0
					],
					"textcolor": [
						0.8,
						0.82,
						0.86,
						1.0
					]
				}
			},
			{
				"box": {
					"id": "obj-134",
					"maxclass": "slider",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						800.0,
						852.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						310.0,
						568.0,
						170.0,
						22.0
					],
					"floatoutput": 1,
					"size": 6.0,
					"min": -3.0,
					"orientation": 1,
					"varname": "axis1"
				}
			},
			{
				"box": {
					"id": "obj-135",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						1060.0,
						852.0,
						240.0,
						22.0
					],
					"text": "prepend /morph/macro/1"
				}
			},
			{
				"box": {
					"id": "obj-136",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						20.0,
						884.0,
						240.0,
						22.0
					],
					"text": "s morph.out"
				}
			},
			{
				"box": {
					"id": "obj-137",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						280.0,
						884.0,
						240.0,
						22.0
					],
					"text": "axis 3",
					"presentation": 1,
					"presentation_rect": [
						496.0,
						570.0,
						60.0,
						20.0
					],
					"textcolor": [
						0.8,
						0.82,
						0.86,
						1.0
					]
				}
			},
			{
				"box": {
					"id": "obj-138",
					"maxclass": "slider",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						540.0,
						884.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						550.0,
						568.0,
						170.0,
						22.0
					],
					"floatoutput": 1,
					"size": 6.0,
					"min": -3.0,
					"orientation": 1,
					"varname": "axis2"
				}
			},
			{
				"box": {
					"id": "obj-139",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						800.0,
						884.0,
						240.0,
						22.0
					],
					"text": "prepend /morph/macro/2"
				}
			},
			{
				"box": {
					"id": "obj-140",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						1060.0,
						884.0,
						240.0,
						22.0
					],
					"text": "s morph.out"
				}
			},
			{
				"box": {
					"id": "obj-141",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						20.0,
						916.0,
						240.0,
						22.0
					],
					"text": "axis 4",
					"presentation": 1,
					"presentation_rect": [
						736.0,
						570.0,
						60.0,
						20.0
					],
					"textcolor": [
						0.8,
						0.82,
						0.86,
						1.0
					]
				}
			},
			{
				"box": {
					"id": "obj-142",
					"maxclass": "slider",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						280.0,
						916.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						790.0,
						568.0,
						170.0,
						22.0
					],
					"floatoutput": 1,
					"size": 6.0,
					"min": -3.0,
					"orientation": 1,
					"varname": "axis3"
				}
			},
			{
				"box": {
					"id": "obj-143",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						540.0,
						916.0,
						240.0,
						22.0
					],
					"text": "prepend /morph/macro/3"
				}
			},
			{
				"box": {
					"id": "obj-144",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						800.0,
						916.0,
						240.0,
						22.0
					],
					"text": "s morph.out"
				}
			},
			{
				"box": {
					"id": "obj-145",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						1060.0,
						916.0,
						240.0,
						22.0
					],
					"text": "stripnote"
				}
			},
			{
				"box": {
					"id": "obj-146",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						20.0,
						948.0,
						240.0,
						22.0
					],
					"text": "pack 60 100"
				}
			},
			{
				"box": {
					"id": "obj-147",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 3,
					"outlettype": [
						"",
						"",
						""
					],
					"patching_rect": [
						280.0,
						948.0,
						240.0,
						22.0
					],
					"text": "notein"
				}
			},
			{
				"box": {
					"id": "obj-148",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						540.0,
						948.0,
						240.0,
						22.0
					],
					"text": "prepend /morph/note"
				}
			},
			{
				"box": {
					"id": "obj-149",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						800.0,
						948.0,
						240.0,
						22.0
					],
					"text": "s morph.out"
				}
			},
			{
				"box": {
					"id": "obj-150",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						1060.0,
						948.0,
						240.0,
						22.0
					],
					"text": "ctlin 1"
				}
			},
			{
				"box": {
					"id": "obj-151",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						20.0,
						980.0,
						240.0,
						22.0
					],
					"text": "/ 127."
				}
			},
			{
				"box": {
					"id": "obj-152",
					"maxclass": "newobj",
					"numinlets": 6,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						280.0,
						980.0,
						240.0,
						22.0
					],
					"text": "scale 0 127 -3.0 3.0"
				}
			},
			{
				"box": {
					"id": "obj-153",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						540.0,
						980.0,
						240.0,
						22.0
					],
					"text": "ctlin 20"
				}
			},
			{
				"box": {
					"id": "obj-154",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						800.0,
						980.0,
						240.0,
						22.0
					],
					"text": "prepend /morph/macro/0"
				}
			},
			{
				"box": {
					"id": "obj-155",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						1060.0,
						980.0,
						240.0,
						22.0
					],
					"text": "s morph.out"
				}
			},
			{
				"box": {
					"id": "obj-156",
					"maxclass": "newobj",
					"numinlets": 6,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						20.0,
						1012.0,
						240.0,
						22.0
					],
					"text": "scale 0 127 -3.0 3.0"
				}
			},
			{
				"box": {
					"id": "obj-157",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						280.0,
						1012.0,
						240.0,
						22.0
					],
					"text": "ctlin 21"
				}
			},
			{
				"box": {
					"id": "obj-158",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						540.0,
						1012.0,
						240.0,
						22.0
					],
					"text": "prepend /morph/macro/1"
				}
			},
			{
				"box": {
					"id": "obj-159",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						800.0,
						1012.0,
						240.0,
						22.0
					],
					"text": "s morph.out"
				}
			},
			{
				"box": {
					"id": "obj-160",
					"maxclass": "newobj",
					"numinlets": 6,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						1060.0,
						1012.0,
						240.0,
						22.0
					],
					"text": "scale 0 127 -3.0 3.0"
				}
			},
			{
				"box": {
					"id": "obj-161",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						20.0,
						1044.0,
						240.0,
						22.0
					],
					"text": "ctlin 22"
				}
			},
			{
				"box": {
					"id": "obj-162",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						280.0,
						1044.0,
						240.0,
						22.0
					],
					"text": "prepend /morph/macro/2"
				}
			},
			{
				"box": {
					"id": "obj-163",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						540.0,
						1044.0,
						240.0,
						22.0
					],
					"text": "s morph.out"
				}
			},
			{
				"box": {
					"id": "obj-164",
					"maxclass": "newobj",
					"numinlets": 6,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						800.0,
						1044.0,
						240.0,
						22.0
					],
					"text": "scale 0 127 -3.0 3.0"
				}
			},
			{
				"box": {
					"id": "obj-165",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 2,
					"outlettype": [
						"",
						""
					],
					"patching_rect": [
						1060.0,
						1044.0,
						240.0,
						22.0
					],
					"text": "ctlin 23"
				}
			},
			{
				"box": {
					"id": "obj-166",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						20.0,
						1076.0,
						240.0,
						22.0
					],
					"text": "prepend /morph/macro/3"
				}
			},
			{
				"box": {
					"id": "obj-167",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						280.0,
						1076.0,
						240.0,
						22.0
					],
					"text": "s morph.out"
				}
			},
			{
				"box": {
					"id": "obj-168",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"outlettype": [],
					"patching_rect": [
						540.0,
						1076.0,
						240.0,
						22.0
					],
					"text": "server says",
					"presentation": 1,
					"presentation_rect": [
						16.0,
						606.0,
						80.0,
						20.0
					],
					"textcolor": [
						0.8,
						0.82,
						0.86,
						1.0
					]
				}
			},
			{
				"box": {
					"id": "obj-169",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						800.0,
						1076.0,
						240.0,
						22.0
					],
					"text": "prepend set"
				}
			},
			{
				"box": {
					"id": "obj-170",
					"maxclass": "message",
					"numinlets": 2,
					"numoutlets": 1,
					"outlettype": [
						""
					],
					"patching_rect": [
						1060.0,
						1076.0,
						240.0,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						96.0,
						604.0,
						864.0,
						22.0
					],
					"ignoreclick": 1
				}
			}
		],
		"lines": [
			{
				"patchline": {
					"source": [
						"obj-4",
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
						"obj-5",
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
						"obj-6",
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
						"obj-10",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-10",
						0
					],
					"destination": [
						"obj-9",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-13",
						0
					],
					"destination": [
						"obj-12",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-12",
						0
					],
					"destination": [
						"obj-14",
						1
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-9",
						1
					],
					"destination": [
						"obj-14",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-14",
						0
					],
					"destination": [
						"obj-15",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-15",
						0
					],
					"destination": [
						"obj-16",
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
						"obj-21",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-21",
						0
					],
					"destination": [
						"obj-22",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-21",
						1
					],
					"destination": [
						"obj-19",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-22",
						0
					],
					"destination": [
						"obj-23",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-23",
						0
					],
					"destination": [
						"obj-19",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-21",
						1
					],
					"destination": [
						"obj-20",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-22",
						0
					],
					"destination": [
						"obj-24",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-24",
						0
					],
					"destination": [
						"obj-20",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-19",
						1
					],
					"destination": [
						"obj-26",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-20",
						1
					],
					"destination": [
						"obj-26",
						1
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-25",
						0
					],
					"destination": [
						"obj-26",
						2
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-26",
						0
					],
					"destination": [
						"obj-27",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-27",
						0
					],
					"destination": [
						"obj-28",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-6",
						1
					],
					"destination": [
						"obj-31",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-31",
						1
					],
					"destination": [
						"obj-32",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-32",
						0
					],
					"destination": [
						"obj-33",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-33",
						1
					],
					"destination": [
						"obj-34",
						1
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-32",
						1
					],
					"destination": [
						"obj-34",
						2
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-33",
						0
					],
					"destination": [
						"obj-35",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-35",
						0
					],
					"destination": [
						"obj-36",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-36",
						0
					],
					"destination": [
						"obj-30",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-30",
						0
					],
					"destination": [
						"obj-34",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-34",
						0
					],
					"destination": [
						"obj-37",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-37",
						0
					],
					"destination": [
						"obj-38",
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
						"obj-41",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-41",
						1
					],
					"destination": [
						"obj-42",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-42",
						0
					],
					"destination": [
						"obj-43",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-43",
						0
					],
					"destination": [
						"obj-40",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-41",
						0
					],
					"destination": [
						"obj-44",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-44",
						0
					],
					"destination": [
						"obj-40",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-40",
						0
					],
					"destination": [
						"obj-45",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-45",
						0
					],
					"destination": [
						"obj-46",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-52",
						0
					],
					"destination": [
						"obj-48",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-54",
						1
					],
					"destination": [
						"obj-55",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-55",
						0
					],
					"destination": [
						"obj-56",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-57",
						1
					],
					"destination": [
						"obj-58",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-58",
						0
					],
					"destination": [
						"obj-59",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-60",
						0
					],
					"destination": [
						"obj-61",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-61",
						0
					],
					"destination": [
						"obj-62",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-63",
						0
					],
					"destination": [
						"obj-64",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-64",
						0
					],
					"destination": [
						"obj-65",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-71",
						0
					],
					"destination": [
						"obj-68",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-68",
						0
					],
					"destination": [
						"obj-72",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-72",
						0
					],
					"destination": [
						"obj-69",
						1
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-67",
						0
					],
					"destination": [
						"obj-69",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-69",
						0
					],
					"destination": [
						"obj-70",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-70",
						0
					],
					"destination": [
						"obj-75",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-75",
						1
					],
					"destination": [
						"obj-76",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-76",
						0
					],
					"destination": [
						"obj-73",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-75",
						0
					],
					"destination": [
						"obj-77",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-77",
						0
					],
					"destination": [
						"obj-74",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-73",
						1
					],
					"destination": [
						"obj-25",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-74",
						1
					],
					"destination": [
						"obj-78",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-78",
						0
					],
					"destination": [
						"obj-79",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-79",
						0
					],
					"destination": [
						"obj-80",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-82",
						0
					],
					"destination": [
						"obj-83",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-83",
						0
					],
					"destination": [
						"obj-84",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-86",
						0
					],
					"destination": [
						"obj-87",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-87",
						0
					],
					"destination": [
						"obj-88",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-90",
						0
					],
					"destination": [
						"obj-91",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-91",
						0
					],
					"destination": [
						"obj-92",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-94",
						0
					],
					"destination": [
						"obj-95",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-95",
						0
					],
					"destination": [
						"obj-96",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-98",
						0
					],
					"destination": [
						"obj-99",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-99",
						0
					],
					"destination": [
						"obj-100",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-102",
						0
					],
					"destination": [
						"obj-103",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-103",
						0
					],
					"destination": [
						"obj-104",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-106",
						0
					],
					"destination": [
						"obj-107",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-107",
						0
					],
					"destination": [
						"obj-108",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-110",
						0
					],
					"destination": [
						"obj-111",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-111",
						0
					],
					"destination": [
						"obj-112",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-114",
						0
					],
					"destination": [
						"obj-115",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-115",
						0
					],
					"destination": [
						"obj-116",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-118",
						0
					],
					"destination": [
						"obj-119",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-119",
						0
					],
					"destination": [
						"obj-120",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-122",
						1
					],
					"destination": [
						"obj-123",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-123",
						0
					],
					"destination": [
						"obj-124",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-126",
						0
					],
					"destination": [
						"obj-127",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-127",
						0
					],
					"destination": [
						"obj-128",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-130",
						0
					],
					"destination": [
						"obj-131",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-131",
						0
					],
					"destination": [
						"obj-132",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-134",
						0
					],
					"destination": [
						"obj-135",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-135",
						0
					],
					"destination": [
						"obj-136",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-138",
						0
					],
					"destination": [
						"obj-139",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-139",
						0
					],
					"destination": [
						"obj-140",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-142",
						0
					],
					"destination": [
						"obj-143",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-143",
						0
					],
					"destination": [
						"obj-144",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-147",
						0
					],
					"destination": [
						"obj-145",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-145",
						0
					],
					"destination": [
						"obj-146",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-147",
						1
					],
					"destination": [
						"obj-145",
						1
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-145",
						1
					],
					"destination": [
						"obj-146",
						1
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-146",
						0
					],
					"destination": [
						"obj-148",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-148",
						0
					],
					"destination": [
						"obj-149",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-150",
						0
					],
					"destination": [
						"obj-151",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-151",
						0
					],
					"destination": [
						"obj-25",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-153",
						0
					],
					"destination": [
						"obj-152",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-152",
						0
					],
					"destination": [
						"obj-154",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-154",
						0
					],
					"destination": [
						"obj-155",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-157",
						0
					],
					"destination": [
						"obj-156",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-156",
						0
					],
					"destination": [
						"obj-158",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-158",
						0
					],
					"destination": [
						"obj-159",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-161",
						0
					],
					"destination": [
						"obj-160",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-160",
						0
					],
					"destination": [
						"obj-162",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-162",
						0
					],
					"destination": [
						"obj-163",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-165",
						0
					],
					"destination": [
						"obj-164",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-164",
						0
					],
					"destination": [
						"obj-166",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-166",
						0
					],
					"destination": [
						"obj-167",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-6",
						2
					],
					"destination": [
						"obj-169",
						0
					]
				}
			},
			{
				"patchline": {
					"source": [
						"obj-169",
						0
					],
					"destination": [
						"obj-170",
						0
					]
				}
			}
		]
	}
}
