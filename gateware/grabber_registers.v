// SPDX-License-Identifier: MIT
// The registers of docs/adding-a-card.md, on AXI4-Lite, and the counters behind them.

`default_nettype none

module grabber_registers #(
	parameter [31:0] PIXELFORMAT = 32'h33424752,
	parameter [31:0] RATE = 30000,
	parameter [63:0] SERIAL = 0,
	parameter [31:0] CLOCK_HZ = 250000000,
	parameter LOG_BITS = 6
) (
	input wire clk,
	input wire resetn,
	input wire up,

	/* verilator lint_off UNUSED */	// registers are whole words
	input wire [15:0] s_axi_awaddr,
	/* verilator lint_on UNUSED */
	input wire s_axi_awvalid,
	output wire s_axi_awready,
	input wire [31:0] s_axi_wdata,
	input wire [3:0] s_axi_wstrb,
	input wire s_axi_wvalid,
	output wire s_axi_wready,
	output wire [1:0] s_axi_bresp,
	output reg s_axi_bvalid,
	input wire s_axi_bready,
	/* verilator lint_off UNUSED */
	input wire [15:0] s_axi_araddr,
	/* verilator lint_on UNUSED */
	input wire s_axi_arvalid,
	output wire s_axi_arready,
	output reg [31:0] s_axi_rdata,
	output wire [1:0] s_axi_rresp,
	output reg s_axi_rvalid,
	input wire s_axi_rready,

	output reg run,
	output reg started,
	output reg [31:0] rate,

	// From the other clock, each time all of it at once
	input wire arrived,
	input wire [31:0] begun_there,
	input wire [15:0] no_room_there,
	input wire [15:0] not_known_there,
	input wire [7:0] starts_there,
	input wire [15:0] format,
	input wire [15:0] width,
	input wire [15:0] height,
	input wire [21:0] line_bytes,
	input wire [26:0] frame_bytes,
	input wire locked,
	input wire [15:0] input_width,
	input wire [15:0] input_height,
	input wire signal,

	input wire busy,
	input wire is_sent,
	input wire is_cut,
	input wire is_broken,
	input wire is_aborted,
	output wire [63:0] all_begun,
	output reg [31:0] all_begun_there,

	input wire log_write,
	input wire [63:0] log_number,
	input wire [31:0] log_bytes,
	input wire [31:0] log_flags
);

localparam [31:0] ID = 32'h47524231;
localparam [31:0] VERSION = 32'h00010001;
localparam [31:0] LOG_ENTRIES = 1 << LOG_BITS;
localparam [15:0] LOG = 16'h0400;

// Counters: what was counted there since the last look is added here.
reg [63:0] begun, sent, overrun, aborted, cut, broken;
reg [15:0] no_room_seen, not_known_seen;
reg [31:0] in_flight;
reg was_up;
wire [31:0] begun_more = arrived ? begun_there - all_begun_there : 32'd0;
wire [15:0] no_room_more = arrived ? no_room_there - no_room_seen : 16'd0;
wire [15:0] not_known_more = arrived ? not_known_there - not_known_seen : 16'd0;
wire [31:0] in_flight_now = in_flight + begun_more - {16'd0, no_room_more} -
	{16'd0, not_known_more} - {31'd0, is_sent || is_cut || is_broken || is_aborted};

assign all_begun = begun;

always @(posedge clk)
	if (!resetn) begin
		begun <= 0;
		sent <= 0;
		overrun <= 0;
		aborted <= 0;
		cut <= 0;
		broken <= 0;
		in_flight <= 0;
	end else begin
		begun <= begun + {32'd0, begun_more};
		sent <= sent + {63'd0, is_sent};
		overrun <= overrun + {48'd0, no_room_more};
		cut <= cut + {63'd0, is_cut};
		broken <= broken + {63'd0, is_broken} + {48'd0, not_known_more};
		// What was on its way when the other side was reset never comes.
		aborted <= aborted + {63'd0, is_aborted} +
			(was_up ? 64'd0 : {32'd0, in_flight_now});
		in_flight <= was_up ? in_flight_now : 32'd0;
	end

always @(posedge clk)
	if (!resetn || !up) begin
		was_up <= 0;
		all_begun_there <= 0;
		no_room_seen <= 0;
		not_known_seen <= 0;
	end else begin
		was_up <= 1;
		if (arrived) begin
			all_begun_there <= begun_there;
			no_room_seen <= no_room_there;
			not_known_seen <= not_known_there;
		end
	end

// Clocks from one frame's start to the next
reg [7:0] starts_seen;
reg [31:0] clocks, period;
wire [7:0] starts_more = starts_there - starts_seen;

always @(posedge clk)
	if (!resetn || !up) begin
		starts_seen <= 0;
		clocks <= 0;
		period <= 0;
	end else if (arrived && starts_more != 0) begin
		starts_seen <= starts_there;
		clocks <= 1;
		period <= starts_more == 1 ? clocks : 0;
	end else if (clocks != 32'hffffffff) begin
		clocks <= clocks + 1;
	end

// What each packet was. Four memories, for one of four words is read at a time.
(* ram_style = "distributed" *) reg [31:0] log_0 [0:(1<<LOG_BITS)-1];
(* ram_style = "distributed" *) reg [31:0] log_1 [0:(1<<LOG_BITS)-1];
(* ram_style = "distributed" *) reg [31:0] log_2 [0:(1<<LOG_BITS)-1];
(* ram_style = "distributed" *) reg [31:0] log_3 [0:(1<<LOG_BITS)-1];
reg [LOG_BITS-1:0] log_at;

always @(posedge clk)
	if (log_write) begin
		log_0[log_at] <= log_number[31:0];
		log_1[log_at] <= log_number[63:32];
		log_2[log_at] <= log_bytes;
		log_3[log_at] <= log_flags;
	end

// Writes
wire write = s_axi_awvalid && s_axi_wvalid && !s_axi_bvalid && resetn;
wire write_run = write && s_axi_awaddr[15:2] == 14'h002 && s_axi_wstrb[0];
wire write_rate = write && s_axi_awaddr[15:2] == 14'h009;

assign s_axi_awready = write;
assign s_axi_wready = write;
assign s_axi_bresp = 0;
assign s_axi_rresp = 0;

always @(posedge clk)
	if (!resetn)
		s_axi_bvalid <= 0;
	else
		s_axi_bvalid <= write || (s_axi_bvalid && !s_axi_bready);

always @(posedge clk)
	if (!resetn) begin
		run <= 0;
		started <= 0;
		log_at <= 0;
	end else begin
		started <= write_run && s_axi_wdata[0] && !run;
		if (write_run)
			run <= s_axi_wdata[0];
		if (write_run && s_axi_wdata[0])
			log_at <= 0;
		else if (log_write)
			log_at <= log_at + 1;
	end

integer i;

always @(posedge clk)
	if (!resetn)
		rate <= RATE;
	else
		for (i = 0; i < 4; i = i + 1)
			if (write_rate && s_axi_wstrb[i])
				rate[8*i +: 8] <= s_axi_wdata[8*i +: 8];

// Reads. The low half of a counter keeps the high half for the next read of it.
reg reading;
reg [15:2] at;
reg [31:0] begun_high, sent_high, overrun_high, aborted_high, cut_high, broken_high;
wire [15:0] in_log = {at, 2'b00} - LOG;
wire [LOG_BITS-1:0] entry = in_log[4 +: LOG_BITS];
wire is_log = {at, 2'b00} >= LOG && {16'd0, in_log} < LOG_ENTRIES * 16;

assign s_axi_arready = s_axi_arvalid && !reading && !s_axi_rvalid && resetn;

always @(posedge clk)
	if (!resetn) begin
		reading <= 0;
		s_axi_rvalid <= 0;
	end else begin
		reading <= s_axi_arready;
		s_axi_rvalid <= reading || (s_axi_rvalid && !s_axi_rready);
	end

always @(posedge clk)
	if (s_axi_arready)
		at <= s_axi_araddr[15:2];

reg [31:0] value;

always @*
	case ({at, 2'b00})
	16'h000: value = ID;
	16'h004: value = VERSION;
	16'h008: value = {31'd0, run};
	16'h00c: value = {29'd0, signal && locked, signal, run || busy};
	16'h010: value = {16'd0, width};
	16'h014: value = {16'd0, height};
	16'h018: value = PIXELFORMAT;
	16'h01c: value = {10'd0, line_bytes};
	16'h020: value = {5'd0, frame_bytes};
	16'h024: value = rate;
	16'h028: value = begun[31:0];
	16'h02c: value = begun_high;
	16'h030: value = sent[31:0];
	16'h034: value = sent_high;
	16'h038: value = overrun[31:0];
	16'h03c: value = overrun_high;
	16'h040: value = aborted[31:0];
	16'h044: value = aborted_high;
	16'h048: value = SERIAL[31:0];
	16'h04c: value = SERIAL[63:32];
	16'h050: value = cut[31:0];
	16'h054: value = cut_high;
	16'h058: value = broken[31:0];
	16'h05c: value = broken_high;
	16'h060: value = {16'd0, format};
	16'h064: value = {input_height, input_width};
	16'h068: value = period;
	16'h06c: value = CLOCK_HZ;
	16'h070: value = LOG_ENTRIES;
	default:
		case ({is_log, in_log[3:2]})
		3'b100: value = log_0[entry];
		3'b101: value = log_1[entry];
		3'b110: value = log_2[entry];
		3'b111: value = log_3[entry];
		default: value = 0;
		endcase
	endcase

always @(posedge clk)
	if (reading) begin
		s_axi_rdata <= value;
		case ({at, 2'b00})
		16'h028: begun_high <= begun[63:32];
		16'h030: sent_high <= sent[63:32];
		16'h038: overrun_high <= overrun[63:32];
		16'h040: aborted_high <= aborted[63:32];
		16'h050: cut_high <= cut[63:32];
		16'h058: broken_high <= broken[63:32];
		default: ;
		endcase
	end

`ifdef GRABBER_ASSERT
always @(posedge clk)
	if (resetn && in_flight[31]) begin
		$display("assertion: more frames came to an end than were begun");
		$stop;
	end
always @(posedge clk)
	if (resetn && begun != sent + overrun + aborted + cut + broken + {32'd0, in_flight}) begin
		$display("assertion: the counters do not add up");
		$stop;
	end
`endif

endmodule

`default_nettype wire
