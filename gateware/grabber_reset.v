// SPDX-License-Identifier: MIT
// One side's reset, of two sides that share pointers: a reset of either resets both,
// even while a clock stands still. Neither goes on before the other has been in reset
// with its clock running: so no pointer of before is ever taken for a new one.

`default_nettype none

module grabber_reset #(
	parameter STAGES = 2
) (
	input wire clk,
	input wire both_resetn,		// of the two sides, 0: reset; may come at any moment
	output wire was_reset,		// this side is; for the other one's peer_was_reset
	input wire peer_was_reset,
	output wire up			// 0: reset, in step with clk
);

// Longer than "up" takes to fall: the logic has been in reset when its end is reached.
localparam LAST = STAGES + 4;

(* ASYNC_REG = "TRUE" *) reg [LAST:0] grabber_cdc_here;
(* ASYNC_REG = "TRUE" *) reg [STAGES-1:0] grabber_cdc_peer;

initial begin
	grabber_cdc_here = 0;
	grabber_cdc_peer = 0;
end

always @(posedge clk or negedge both_resetn)
	if (!both_resetn)
		grabber_cdc_here <= 0;
	else
		grabber_cdc_here <= {grabber_cdc_here[LAST-1:0], 1'b1};

always @(posedge clk or negedge both_resetn)
	if (!both_resetn)
		grabber_cdc_peer <= 0;
	else
		grabber_cdc_peer <= {grabber_cdc_peer[STAGES-2:0], peer_was_reset};

assign was_reset = grabber_cdc_here[LAST];

grabber_sync #(.STAGES(STAGES)) in_step (
	.clk(clk), .in(grabber_cdc_peer[STAGES-1] && was_reset), .out(up));

endmodule

`default_nettype wire
